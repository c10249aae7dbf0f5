"""GitHub: draft pull requests through githubkit, whose types stay in here."""

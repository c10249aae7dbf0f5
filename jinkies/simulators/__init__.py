"""A Discord and a GitHub that run on loopback: for the demo, for drills and for the tests."""

"""CloudWatch Logs: fetching, following, watching."""

"""Pictures of the console, made by ``make screenshots``."""

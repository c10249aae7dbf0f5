"""The terminal console of Jinkies."""

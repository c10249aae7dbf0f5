"""The Discord bot of Jinkies."""

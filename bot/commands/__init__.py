"""Slash commands and buttons: parse, execute, render."""

"""Jinkies: the operator core of an incident desk for teams on AWS and Discord."""

__version__ = "0.1.0"

"""A GitHub that runs on loopback: repositories, branches, files and pull requests over its REST API.

Statuses, required fields, limits and error bodies follow GitHub's published REST description and its own answers.
"""

from jinkies.simulators.github.control import Call, Fault, RateLimits, When
from jinkies.simulators.github.people import IssueAct, OnIssue, OnPull, PullAct
from jinkies.simulators.github.repositories import Pull, Repository
from jinkies.simulators.github.server import API_ROOT, SimulatedGitHub

__all__ = [
    "API_ROOT",
    "Call",
    "Fault",
    "IssueAct",
    "OnIssue",
    "OnPull",
    "Pull",
    "PullAct",
    "RateLimits",
    "Repository",
    "SimulatedGitHub",
    "When",
]

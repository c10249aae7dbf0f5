"""Secrets out, before anything is stored: alert text and log text leave the house on cards and in pull requests.

Pure and linear in the length of the text, whatever the text is: repeats are possessive or bounded, patterns start
only where a word starts, and what was scanned for a value is consumed. The mark keeps the key readable
(``password=[redacted]``), and ``redact(redact(x)) == redact(x)``.
"""

from __future__ import annotations

from jinkies.redact.engine import DEFAULT, Redactor, by_rules, redact, use
from jinkies.redact.kinds import redact_counted
from jinkies.redact.marks import MARK
from jinkies.redact.names import is_secret_key
from jinkies.redact.own import Unfit, compile_pattern
from jinkies.redact.reports import (
    redact_command,
    redact_each,
    redact_grouping,
    redact_occurrence,
    redact_recovery,
    secrets_cut,
)

__all__ = [
    "DEFAULT",
    "MARK",
    "Redactor",
    "Unfit",
    "by_rules",
    "compile_pattern",
    "is_secret_key",
    "redact",
    "redact_command",
    "redact_counted",
    "redact_each",
    "redact_grouping",
    "redact_occurrence",
    "redact_recovery",
    "secrets_cut",
    "use",
]

"""Logging of the bot: set before interactions.py is imported, and without secrets.

The library's logger has no handler of its own, its INFO lines contain command arguments, and its ERROR lines contain
interaction tokens (they are part of the addresses it calls).
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

from jinkies.config import Config
from jinkies.redact import redact

_INTERACTION_TOKEN = re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/\s\"']+")
HIDDEN = "[redacted]"
OURS = ("bot", "jinkies", "__main__")


class SecretFreeFormatter(logging.Formatter):
    """Formats a record, traceback included, and takes the secrets out of what came of it.

    Args:
        secrets: texts that never appear.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(secret for secret in secrets if secret)

    def format(self, record: logging.LogRecord) -> str:
        """One record as text without secrets."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return redact(_INTERACTION_TOKEN.sub(rf"\1{HIDDEN}", text))


def configure(config: Config, stream: TextIO | None = None) -> logging.Handler:
    """Send the log to ``stream`` (standard error by default): ours at the configured level, libraries' from WARNING up.

    Libraries' lower levels hold secrets and foreign text: botocore logs signed headers and whole answers, for one.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(SecretFreeFormatter(_secrets(config)))
    root = logging.getLogger()
    root.addHandler(handler)
    level = logging.getLevelNamesMapping()[config.log_level]
    root.setLevel(max(logging.WARNING, level))
    for ours in OURS:
        logging.getLogger(ours).setLevel(level)
    return handler


def _secrets(config: Config) -> tuple[str, ...]:
    held = (
        config.discord.token,
        config.github.token,
        config.github.private_key,
        config.http.token,
        config.aws.secret_access_key,
        config.aws.session_token,
    )
    return tuple(secret.reveal() for secret in held if secret is not None)

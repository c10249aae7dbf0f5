"""Logging of every program: ours at the configured level, libraries' from WARNING up, and no secrets in either.

Set before interactions.py is imported: its logger has no handler of its own, its INFO lines contain command arguments,
and its ERROR lines contain interaction tokens (they are part of the addresses it calls).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jinkies.config import Config, RedactConfig

if TYPE_CHECKING:
    from jinkies.redact import Redactor

_INTERACTION_TOKEN = re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/\s\"']+")
HIDDEN = "[redacted]"
OURS = ("bot", "jinkies", "tui", "__main__")


class SecretFreeFormatter(logging.Formatter):
    """Formats a record, traceback included, and takes the secrets out of what came of it.

    Args:
        secrets: texts that never appear.
        rules: what else is cut, and what is not.
    """

    def __init__(self, secrets: tuple[str, ...], rules: RedactConfig | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = tuple(secret for secret in secrets if secret)
        self._rules = rules or RedactConfig()
        self._redactor: Redactor | None = None

    def format(self, record: logging.LogRecord) -> str:
        """One record as text without secrets."""
        if self._redactor is None:
            from jinkies.redact import by_rules  # a program that logs nothing need not load its patterns

            self._redactor = by_rules(self._rules)
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return self._redactor.text(_INTERACTION_TOKEN.sub(rf"\1{HIDDEN}", text))


@contextmanager
def configured(config: Config, handler: logging.Handler | None = None) -> Iterator[None]:
    """Send the log to ``handler`` (standard error by default) for as long as this lasts, formatted without secrets.

    Libraries' lower levels hold secrets and foreign text: botocore logs signed headers and whole answers, for one.
    """
    handler = handler or logging.StreamHandler()
    handler.setFormatter(SecretFreeFormatter(_secrets(config), config.redact))
    level = logging.getLevelNamesMapping()[config.log_level]
    root = logging.getLogger()
    levels = {root: max(logging.WARNING, level)} | {logging.getLogger(ours): level for ours in OURS}
    before = {logger: logger.level for logger in levels}
    root.addHandler(handler)
    try:
        for logger, wanted in levels.items():
            logger.setLevel(wanted)
        yield
    finally:
        for logger, held in before.items():
            logger.setLevel(held)
        root.removeHandler(handler)
        handler.close()


def _secrets(config: Config) -> tuple[str, ...]:
    held = (
        config.discord.token,
        config.github.token,
        config.github.private_key,
        config.http.token,
        *(sender.token for sender in config.http.tokens),
        config.aws.secret_access_key,
        config.aws.session_token,
    )
    return tuple(secret.reveal() for secret in held if secret is not None)

"""The tokens that let in, and whose they are; those of a file follow the file."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Callable
from pathlib import Path

from jinkies.config import HttpConfig, Secret, SenderToken
from jinkies.config_senders import MAX_FILE_BYTES, WEBHOOK, of_file, parse
from jinkies.model import Actor, ActorKind

LOCAL = "local"  # who sends from this machine while no token is configured

_Stamp = tuple[int, int, int]  # inode, size, modified: a file with the same three is the same

_log = logging.getLogger(__name__)


def sender_actor(name: str) -> Actor:
    """Who a sender is to the core."""
    return Actor(kind=ActorKind.INGEST, id=name, name=name)


class Senders:
    """Every token with its sender's name.

    The file is looked at with each request (one ``stat``), so that a deleted line lets nobody in any more. One that
    can't be read, or has a mistake in it, changes nothing: the tokens before it stay, and ``problem`` says so.

    Args:
        http: holds the tokens of the configuration.
        tell: called with ``problem`` whenever that changes.
    """

    def __init__(self, http: HttpConfig, tell: Callable[[str], None] | None = None) -> None:
        webhook = http.token.reveal() if http.token is not None else ""  # an empty one would let everybody in
        own = (SenderToken(name=WEBHOOK, token=Secret(webhook)),) if webhook else ()
        self._fixed = own + http.tokens
        self._path = http.tokens_file
        self._tell = tell
        self._stamp: _Stamp | None = None
        self._keys: tuple[tuple[str, bytes, bytes], ...] = ()  # name, token, its SHA-256
        self.problem = ""
        self._keep(())
        self._follow_file()

    @property
    def open_to_this_machine(self) -> bool:
        """Whether nothing was ever configured. An emptied file lets nobody in: it does not open the door."""
        return not self._fixed and self._path is None

    @property
    def none(self) -> bool:
        """Whether there is no token at all."""
        return not self._keys

    def of_token(self, given: bytes) -> str | None:
        """Whose token this is; takes as long for one as for another."""
        self._follow_file()
        shown, found = hashlib.sha256(given).digest(), None
        for name, _, digest in self._keys:
            if hmac.compare_digest(shown, digest):
                found = name
        return found

    def of_signature(self, given: bytes, sign: Callable[[bytes], str]) -> str | None:
        """Whose token gives this signature; ``sign`` makes the signature with a token."""
        self._follow_file()
        found = None
        for name, token, _ in self._keys:
            if hmac.compare_digest(given, sign(token).encode()):
                found = name
        return found

    def _follow_file(self) -> None:
        if self._path is None:
            return
        try:
            status = os.stat(self._path)  # noqa: PTH116 - with each request, and Path.stat costs three times as much
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp == self._stamp:
                return
            text = _read(self._path)
        except (OSError, UnicodeDecodeError) as error:
            self._stamp = None
            self._say(f"{self._path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
            return
        self._stamp = stamp
        tokens, wrong = parse(of_file(text))
        if wrong:
            self._say(f"{self._path}: " + "; ".join(f"{where}: {problem}" for where, problem in wrong[:3]))
            return
        self._keep(tokens)
        self._say("")

    def _keep(self, tokens: tuple[SenderToken, ...]) -> None:
        revealed = [(one.name, one.token.reveal().encode()) for one in (*self._fixed, *tokens)]
        self._keys = tuple((name, token, hashlib.sha256(token).digest()) for name, token in revealed)

    def _say(self, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        if problem:
            _log.warning("the tokens of senders stay as they were: %s", problem)
        if self._tell is not None:
            self._tell(problem)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(0, f"larger than {MAX_FILE_BYTES} bytes")
    return content.decode("utf-8-sig")

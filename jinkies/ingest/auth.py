"""Who may send alerts: whoever shows a token, or signs with one.

A token stands behind ``Authorization: Bearer``, is the password of ``Authorization: Basic``, or stands where a format's
own senders put it (``Way.token``). A signed request carries ``X-Jinkies-Timestamp`` (seconds since the Unix epoch,
within 300 of ours) and ``X-Jinkies-Signature: sha256=<hex>``: the HMAC-SHA256, keyed with the token, of timestamp, ".",
and body. Everything secret is compared in constant time. With no token configured, senders on this machine are let in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping

from jinkies.clock import Clock
from jinkies.config import Config
from jinkies.errors import ConfigError
from jinkies.ingest.senders import LOCAL, Senders

TIMESTAMP_HEADER = "X-Jinkies-Timestamp"
SIGNATURE_HEADER = "X-Jinkies-Signature"
KEY_HEADER = "Idempotency-Key"
MAX_SKEW_S = 300

_SPLIT_HOST = re.compile(r":[0-9]*$", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class Unauthorized(Exception):
    """The sender may not; ``str()`` says what to send, and nothing of what would be right."""


_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # a proxy's marks


class Gate:
    """Checks a request in two steps: its headers before the body is read; a signature, or a token in it, after."""

    def __init__(self, senders: Senders, clock: Clock) -> None:
        self._senders = senders
        self._clock = clock

    def check_headers(
        self, headers: Mapping[str, str], peer: str | None, *, token: str | None = None, later: bool = False
    ) -> str | None:
        """Let a request in as far as its headers go.

        Args:
            headers: of the request, names in any case.
            peer: the sender's address, None when it isn't known.
            token: what the request shows where its format has it.
            later: the body may hold the token.

        Returns:
            The sender's name; None when the body decides, with ``check_body`` or ``check_token``.

        Raises:
            Unauthorized: no credentials, or wrong ones.
        """
        if self._senders.open_to_this_machine:
            self._check_local(headers, peer)
            return LOCAL
        if token is not None:
            return self.check_token(token)
        if "Authorization" in headers:
            return self.check_token(_authorized(headers["Authorization"]))
        if SIGNATURE_HEADER in headers:
            self._check_timestamp(headers.get(TIMESTAMP_HEADER, ""))
            return None
        if later:
            return None
        raise Unauthorized(f"send Authorization: Bearer <token>, or {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}")

    def check_reader(self, headers: Mapping[str, str], peer: str | None) -> None:
        """Let somebody read the figures: a sender with its token, or this machine. Raises ``Unauthorized``."""
        if "Authorization" in headers:
            self.check_token(_authorized(headers["Authorization"]))
            return
        if any(header in headers for header in _FORWARDED):
            raise Unauthorized("send Authorization: Bearer <token>: what comes by a proxy is not this machine")
        self._check_local(headers, peer)

    def check_token(self, token: str | None) -> str:
        """Whose token it is. Raises ``Unauthorized``."""
        if token is None:
            raise Unauthorized("no token was shown")
        name = self._senders.of_token(token.encode(errors="surrogateescape"))
        if name is None:
            raise Unauthorized("the token is wrong")
        return name

    def check_body(self, headers: Mapping[str, str], body: bytes) -> str:
        """Whose signature it is, over the body as sent. Raises ``Unauthorized``."""
        timestamp, key = headers.get(TIMESTAMP_HEADER, ""), headers.get(KEY_HEADER)
        given = headers.get(SIGNATURE_HEADER, "").strip().encode(errors="surrogateescape")
        name = self._senders.of_signature(given, lambda token: signature(token, timestamp, body, key=key))
        if name is None:
            raise Unauthorized(
                f"the signature does not fit: it is over the timestamp, '.', the {KEY_HEADER} and '.' where one is"
                " sent, and the body as sent"
            )
        return name

    def _check_local(self, headers: Mapping[str, str], peer: str | None) -> None:
        """Also by the name asked for, and the page that asks: no proxy is this machine, nor is a site in a browser."""
        host, page = headers.get("Host"), headers.get("Origin")
        named = host is None or is_loopback(_SPLIT_HOST.sub("", host).strip("[]"))
        own_page = page is None or is_loopback(_SPLIT_HOST.sub("", page.partition("://")[2]).strip("[]"))
        if peer is None or not is_loopback(peer) or not named or not own_page:
            raise Unauthorized("without JINKIES_WEBHOOK_TOKEN only this machine may send, to localhost: set the token")

    def _check_timestamp(self, text: str) -> None:
        if not _SECONDS.fullmatch(text):
            raise Unauthorized(f"{TIMESTAMP_HEADER} must be whole seconds since the Unix epoch")
        if abs(int(text) - self._clock.now_ms() / 1000) > MAX_SKEW_S:
            raise Unauthorized(f"{TIMESTAMP_HEADER} is more than {MAX_SKEW_S} s off: check the sender's clock")


def signature(token: bytes, timestamp: str, body: bytes, *, key: str | None = None) -> str:
    """What ``X-Jinkies-Signature`` must be: the HMAC over ``timestamp.body``, or ``timestamp.key.body`` with a key."""
    parts = (timestamp,) if key is None else (timestamp, key)
    signed = b".".join((*(part.encode(errors="surrogateescape") for part in parts), body))
    return f"sha256={hmac.digest(token, signed, hashlib.sha256).hex()}"


def _authorized(header: str) -> str:
    """The token of an ``Authorization``: behind Bearer, or the password of Basic, which some senders only know."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        try:
            _, colon, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon, password = "", ""
        if colon:
            return password
    raise Unauthorized("send Authorization: Bearer <token>")


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine; of names, only ``localhost`` is known to be."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def split_listen(listen: str) -> tuple[str, int]:
    """``"127.0.0.1:8080"``, ``"[::1]:8080"`` → host and port. Raises ``ConfigError``."""
    host, _, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigError((f"http.listen: expected host:port like 127.0.0.1:8080 or [::1]:8080, got {listen!r}",))
    return host, int(port)


def refuse_open_listen(config: Config) -> None:
    """Beyond loopback only with a token: anybody who reaches the port could write alerts. Raises ``ConfigError``."""
    listen = config.http.listen
    if is_loopback(split_listen(listen)[0]) or not Senders(config.http).none:
        return
    what = f"http.listen: {listen} can be reached from other machines"
    raise ConfigError(
        (f"{what}: set JINKIES_WEBHOOK_TOKEN or JINKIES_INGEST_TOKENS (or one's _FILE), or listen on 127.0.0.1",)
    )

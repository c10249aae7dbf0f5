"""Who may send alerts: a bearer token, or a signature made with it.

A signed request carries ``X-Jinkies-Timestamp`` (seconds since the Unix epoch, within 300 of ours) and
``X-Jinkies-Signature: sha256=<hex>``: the HMAC-SHA256, keyed with the token, of timestamp, ".", and body.
Everything secret is compared in constant time. With no token configured, senders on this machine are let in.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping

from jinkies.clock import Clock
from jinkies.config import Config, Secret
from jinkies.errors import ConfigError

TIMESTAMP_HEADER = "X-Jinkies-Timestamp"
SIGNATURE_HEADER = "X-Jinkies-Signature"
KEY_HEADER = "Idempotency-Key"
MAX_SKEW_S = 300

_SPLIT_HOST = re.compile(r":[0-9]*$", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class Unauthorized(Exception):
    """The sender may not; ``str()`` says what to send, and nothing of what would be right."""


class Gate:
    """Checks a request in two steps: its headers before the body is read, its signature after."""

    def __init__(self, token: Secret | None, clock: Clock) -> None:
        self._token = _key(token)
        self._clock = clock

    def check_headers(self, headers: Mapping[str, str], peer: str | None) -> bool:
        """Let a request in as far as its headers go.

        Args:
            headers: of the request, names in any case.
            peer: the sender's address, None when it isn't known.

        Returns:
            Whether the body's signature is still to be checked, with ``check_body``.

        Raises:
            Unauthorized: no credentials, or wrong ones.
        """
        if self._token is None:
            self._check_local(headers.get("Host"), peer)
            return False
        if "Authorization" in headers:
            self._check_bearer(headers["Authorization"])
            return False
        if SIGNATURE_HEADER in headers:
            self._check_timestamp(headers.get(TIMESTAMP_HEADER, ""))
            return True
        raise Unauthorized(f"send Authorization: Bearer <token>, or {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}")

    def check_body(self, headers: Mapping[str, str], body: bytes) -> None:
        """Compare the signature with the body's. Raises ``Unauthorized``."""
        timestamp, key = headers.get(TIMESTAMP_HEADER, ""), headers.get(KEY_HEADER)
        expected = signature(self._token or b"", timestamp, body, key=key)
        given = headers.get(SIGNATURE_HEADER, "").strip()
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode()):
            raise Unauthorized(
                f"the signature does not fit: it is over the timestamp, '.', the {KEY_HEADER} and '.' where one is"
                " sent, and the body as sent"
            )

    def _check_local(self, host: str | None, peer: str | None) -> None:
        """Also by the name asked for: neither a proxy nor a web page whose own name points here is this machine."""
        named = host is None or is_loopback(_SPLIT_HOST.sub("", host).strip("[]"))
        if peer is None or not is_loopback(peer) or not named:
            raise Unauthorized("without JINKIES_WEBHOOK_TOKEN only this machine may send, to localhost: set the token")

    def _check_bearer(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("send Authorization: Bearer <token>")
        if not hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token or b""):
            raise Unauthorized("the token is wrong")

    def _check_timestamp(self, text: str) -> None:
        if not _SECONDS.fullmatch(text):
            raise Unauthorized(f"{TIMESTAMP_HEADER} must be whole seconds since the Unix epoch")
        if abs(int(text) - self._clock.now_ms() / 1000) > MAX_SKEW_S:
            raise Unauthorized(f"{TIMESTAMP_HEADER} is more than {MAX_SKEW_S} s off: check the sender's clock")


def signature(token: bytes, timestamp: str, body: bytes, *, key: str | None = None) -> str:
    """What ``X-Jinkies-Signature`` must be: the HMAC over ``timestamp.body``, or ``timestamp.key.body`` with a key."""
    parts = (timestamp,) if key is None else (timestamp, key)
    signed = b".".join((*(part.encode(errors="surrogateescape") for part in parts), body))
    return f"sha256={hmac.new(token, signed, hashlib.sha256).hexdigest()}"


def _key(token: Secret | None) -> bytes | None:
    """An empty token would let everybody in: it counts as none."""
    return token.reveal().encode() or None if token is not None else None


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
    if _key(config.http.token) is not None or is_loopback(split_listen(listen)[0]):
        return
    what = f"http.listen: {listen} can be reached from other machines"
    raise ConfigError((f"{what}: set JINKIES_WEBHOOK_TOKEN (or JINKIES_WEBHOOK_TOKEN_FILE), or listen on 127.0.0.1",))

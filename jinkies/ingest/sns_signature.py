"""Whether SNS signed a message: its certificate, fetched from SNS itself, and RSA over the canonical text.

The certificate's address is checked before it is fetched (``sns_message.certificate_url``); that it came by HTTPS from
exactly that host is what it is trusted for. Versions 1 (SHA-1) and 2 (SHA-256) are both SNS's own.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from jinkies.clock import Clock
from jinkies.errors import ConfigError
from jinkies.ingest.sns_message import SnsMessage, certificate_url, signed_text

FETCH_BYTES = 65_536
FETCH_S = 10.0  # SNS waits 15 s for the whole answer
KEPT = 32  # certificates; SNS has about one a region, and a new one now and then
FETCHES = 20  # of certificates in ``WINDOW_S``: whoever knows a topic must not make us knock at SNS at will
WINDOW_S = 60.0
MAX_SIGNATURE = 2_048  # characters of base64

Fetch = Callable[[str], Awaitable[bytes]]


class FetchFailed(Exception):
    """SNS gave no answer that can be used; another try may."""


class BadSignature(Exception):
    """SNS did not sign this; ``str()`` says what is wrong and quotes nothing."""


async def fetch(url: str) -> bytes:
    """The body at an address that was checked: no redirect is followed, at most 64 KiB and 10 s.

    Raises ``FetchFailed``.
    """
    body = bytearray()
    try:
        async with (
            asyncio.timeout(FETCH_S),
            httpx.AsyncClient(timeout=FETCH_S, follow_redirects=False) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                raise FetchFailed(f"SNS answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > FETCH_BYTES:
                    raise FetchFailed(f"SNS answered more than {FETCH_BYTES} bytes")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise FetchFailed(f"SNS can't be reached ({type(error).__name__})") from error
    return bytes(body)


class Verifier:
    """Checks signatures, and remembers the certificates of the last ones.

    Args:
        clock: against which a certificate's dates are checked.
        fetch: gives the body at an address.
        trusted: a certificate that is trusted instead of any that SNS has: then none is ever fetched.
    """

    def __init__(self, clock: Clock, fetch: Fetch, trusted: x509.Certificate | None = None) -> None:
        self._clock = clock
        self._fetch = fetch
        self._trusted = trusted
        self._kept: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._fetched_s: deque[float] = deque(maxlen=FETCHES)

    async def verify(self, message: SnsMessage) -> None:
        """Return when SNS signed it.

        Raises:
            BadField: the certificate's address is not SNS's; nothing was fetched.
            BadSignature: the certificate or the signature is wrong.
            FetchFailed: the certificate can't be had now.
        """
        signature = _decoded(message.signature)
        certificate = self._trusted or await self._certificate(certificate_url(message))
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise BadSignature("the certificate is not valid now")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSignature("the certificate holds no RSA key")
        algorithm = SHA1() if message.signature_version == "1" else SHA256()  # noqa: S303 - SNS's version 1 is SHA-1
        try:
            key.verify(signature, signed_text(message), PKCS1v15(), algorithm)
        except InvalidSignature:
            raise BadSignature("the signature does not fit the message") from None

    async def _certificate(self, url: str) -> x509.Certificate:
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        now_s = self._clock.monotonic_s()
        if len(self._fetched_s) == FETCHES and now_s - self._fetched_s[0] < WINDOW_S:
            raise FetchFailed("too many certificates were asked for within a minute")
        self._fetched_s.append(now_s)
        try:
            certificate = x509.load_pem_x509_certificate(await self._fetch(url))
        except ValueError:
            raise BadSignature("no certificate is at its address") from None
        self._kept[url] = certificate
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return certificate


def load_certificate(path: Path) -> x509.Certificate:
    """The certificate of ``[sns] certificate_file``. Raises ``ConfigError``."""
    try:
        with path.open("rb") as file:
            return x509.load_pem_x509_certificate(file.read(FETCH_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a certificate in PEM"
        raise ConfigError((f"sns.certificate_file: {path}: {reason}",)) from error


def _decoded(signature: str) -> bytes:
    if len(signature) > MAX_SIGNATURE:
        raise BadSignature("the signature is too long")
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("the signature is not base64") from None

from __future__ import annotations

import hashlib
import hmac

import pytest

from jinkies.config import HttpConfig, Secret
from jinkies.ingest.auth import Gate, Unauthorized
from jinkies.ingest.senders import Senders
from tests.ingest.standin import StandIn, config, serving

NOW_S = 1_790_000_000
BODY = b'{"service_name": "api", "error_message": "boom"}'
TOKEN = "s3cret-token"


class FixedClock:
    def now_ms(self) -> int:
        return NOW_S * 1000

    def monotonic_s(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        raise NotImplementedError


def signed(
    body: bytes = BODY, *, at_s: int | str = NOW_S, token: str = TOKEN, key: str | None = None
) -> dict[str, str]:
    """Made by hand, as a sender would after reading the documentation."""
    before = f"{at_s}." if key is None else f"{at_s}.{key}."
    digest = hmac.new(token.encode(), before.encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Jinkies-Timestamp": str(at_s), "X-Jinkies-Signature": f"sha256={digest}"}
    return headers if key is None else {**headers, "Idempotency-Key": key}


async def test_a_signature_lets_in() -> None:
    async with serving(StandIn(), config(token=Secret(TOKEN)), clock=FixedClock()) as sender:
        assert (await sender.post(BODY, **signed()))[0] == 201
        for edge_s in (NOW_S - 300, NOW_S + 300):
            assert (await sender.post(BODY, **signed(at_s=edge_s)))[0] == 200


async def test_who_overhears_a_signed_request_can_neither_repeat_it_nor_change_its_key() -> None:
    operator = StandIn()
    async with serving(operator, config(token=Secret(TOKEN)), clock=FixedClock()) as sender:
        heard = signed(key="7f3a")
        assert (await sender.post(BODY, **heard))[0] == 201
        assert (await sender.post(BODY, **heard))[0] == 201, "the first answer again"
        assert (await sender.post(BODY, **{**heard, "Idempotency-Key": "other"}))[0] == 401
        del heard["Idempotency-Key"]
        assert (await sender.post(BODY, **heard))[0] == 401
    assert len(operator.commands) == 1


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (signed(b"other"), "the signature does not fit"),
        (signed(token="wrong"), "the signature does not fit"),
        ({**signed(), "X-Jinkies-Signature": "sha256="}, "the signature does not fit"),
        ({**signed(), "X-Jinkies-Timestamp": str(NOW_S + 1)}, "the signature does not fit"),
        (signed(at_s=NOW_S - 301), "X-Jinkies-Timestamp is more than 300 s off"),
        (signed(at_s=NOW_S + 301), "X-Jinkies-Timestamp is more than 300 s off"),
        (signed(at_s="now"), "X-Jinkies-Timestamp must be whole seconds"),
        (signed(at_s="1" * 400), "X-Jinkies-Timestamp must be whole seconds"),
        ({"X-Jinkies-Signature": signed()["X-Jinkies-Signature"]}, "X-Jinkies-Timestamp must be whole seconds"),
        ({"X-Jinkies-Timestamp": str(NOW_S)}, "send Authorization: Bearer <token>, or"),
    ],
)
async def test_a_signature_that_does_not_fit_is_401(headers: dict[str, str], message: str) -> None:
    operator = StandIn()
    async with serving(operator, config(token=Secret(TOKEN)), clock=FixedClock()) as sender:
        status, answer, got = await sender.post(BODY, **headers)
        assert (status, got["WWW-Authenticate"]) == (401, 'Bearer realm="jinkies"')
        assert answer.message.startswith(message)
        assert operator.commands == []


@pytest.mark.parametrize("token", [None, Secret("")])
def test_without_a_token_only_this_machine_may_send(token: Secret | None) -> None:
    gate = Gate(Senders(HttpConfig(token=token)), FixedClock())
    for host in ("127.0.0.1:8080", "localhost", "LOCALHOST:80", "[::1]:8080", "[::1]"):
        assert gate.check_headers({"Host": host}, "127.0.0.1") == "local"
    assert gate.check_headers({}, "::1") == "local"
    refused = "without JINKIES_WEBHOOK_TOKEN only this machine may send, to localhost: set the token"
    for peer in ("10.0.0.7", "fe80::1%eth0", None, "localhost.example.com"):
        with pytest.raises(Unauthorized, match=refused):
            gate.check_headers({"Host": "127.0.0.1"}, peer)
    for host in ("alerts.example.com", "127.0.0.1.example.com:8080", "[2001:db8::1]:80", ""):
        with pytest.raises(Unauthorized, match=refused):
            gate.check_headers({"Host": host}, "127.0.0.1")

"""Tokens named per sender: who is who, and how a token is taken away."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from jinkies.clock import SystemClock
from jinkies.commands import ReportOccurrence
from jinkies.config import HttpConfig, Secret, SenderToken
from jinkies.errors import ConfigError
from jinkies.ingest.auth import refuse_open_listen
from jinkies.ingest.http import build_app
from jinkies.ingest.senders import Senders
from jinkies.ingest.serving import serve_ingest
from jinkies.model import Actor, ActorKind, PartHealth, PartState
from tests.ingest.standin import StandIn, config, serving

SHOP, BILLING = "shop-0123456789abcdef", "billing-0123456789abcdef"
TOKENS = (SenderToken(name="shop", token=Secret(SHOP)), SenderToken(name="billing", token=Secret(BILLING)))
GOOD = b'{"service_name": "api", "error_message": "boom"}'


async def test_each_sender_is_its_own_actor() -> None:
    seen: list[Actor] = []

    def operator_of(actor: Actor) -> StandIn:
        seen.append(actor)
        return StandIn()

    settings = config(token=Secret("hook"), tokens=TOKENS)
    async with serving(StandIn(), settings, operator_of=operator_of) as sender:
        for token in (SHOP, BILLING, "hook"):
            assert (await sender.post(GOOD, Authorization=f"Bearer {token}"))[0] == 201
        basic = "Basic " + base64.b64encode(f"anybody:{SHOP}".encode()).decode()
        assert (await sender.post(GOOD, Authorization=basic))[0] == 201
        assert (await sender.post(GOOD, Authorization="Bearer shop"))[0] == 401
        assert (await sender.post(GOOD))[0] == 401
    assert [(one.kind, one.id, one.name) for one in seen] == [
        (ActorKind.INGEST, name, name) for name in ("shop", "billing", "webhook", "shop")
    ]


def file_of(path: Path, text: str) -> Senders:
    path.write_text(text)
    return Senders(HttpConfig(tokens_file=path))


def test_a_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    senders = file_of(path, f"# who sends\n\nshop:{SHOP}  # the shop\nbilling:{BILLING}\n")
    assert (senders.of_token(SHOP.encode()), senders.of_token(BILLING.encode())) == ("shop", "billing")
    path.write_text(f"billing:{BILLING}\n")
    assert (senders.of_token(SHOP.encode()), senders.of_token(BILLING.encode())) == (None, "billing")
    path.write_text("")
    assert senders.of_token(BILLING.encode()) is None
    assert not senders.open_to_this_machine, "an emptied file closes, it does not open"


@pytest.mark.parametrize(
    "broken",
    [
        b"shop",
        b"\xff\xfe",
        b"Shop:0123456789abcdef",
        b"shop:short",
        b"#" * 70_000,
        None,
    ],
)
def test_a_broken_file_keeps_what_was_and_says_so(
    tmp_path: Path, broken: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path, told = tmp_path / "tokens", list[str]()
    path.write_text(f"shop:{SHOP}")
    senders = Senders(HttpConfig(tokens_file=path), told.append)
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)
    for _ in range(3):
        assert senders.of_token(SHOP.encode()) == "shop"
    assert len(told) == 1
    assert str(path) in told[0]
    assert "short" not in told[0].replace("tokens", "")
    assert len(caplog.records) == 1
    path.write_text(f"shop:{BILLING}")
    assert (senders.of_token(SHOP.encode()), senders.of_token(BILLING.encode())) == (None, "shop")
    assert told[1:] == [""]


async def test_the_health_says_that_the_file_is_broken(tmp_path: Path) -> None:
    path, heard = tmp_path / "tokens", list[PartHealth]()
    path.write_text(f"shop:{SHOP}")
    settings = config(tokens_file=path)
    app = build_app(lambda _: StandIn(), settings, SystemClock(), report=heard.append)
    async with serve_ingest(app, settings.http.listen):
        assert heard == []
    path.write_text("nonsense")
    build_app(lambda _: StandIn(), settings, SystemClock(), report=heard.append)
    assert [(one.part, one.state) for one in heard] == [("tokens", PartState.FAILED)]


def test_beyond_loopback_a_named_token_is_enough_and_an_empty_file_is_not(tmp_path: Path) -> None:
    refuse_open_listen(config(listen="0.0.0.0:80", tokens=TOKENS))
    path = tmp_path / "tokens"
    path.write_text("# nobody yet\n")
    with pytest.raises(ConfigError):
        refuse_open_listen(config(listen="0.0.0.0:80", tokens_file=path))
    path.write_text(f"shop:{SHOP}")
    refuse_open_listen(config(listen="0.0.0.0:80", tokens_file=path))


async def test_keys_and_commands_are_what_they_were() -> None:
    operator = StandIn()
    async with serving(operator, config(tokens=TOKENS)) as sender:
        for _ in range(2):
            status, _, _ = await sender.post(GOOD, Authorization=f"Bearer {SHOP}", Idempotency_Key="k")
            assert status == 201
    assert operator.commands == [ReportOccurrence(service="api", message="boom")]


def test_an_equal_stamp_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    senders = file_of(path, f"shop:{SHOP}")
    before = path.stat()
    with path.open("r+b") as file:  # the same inode and size: only the time could tell
        file.write(b"shop:" + BILLING[: len(SHOP)].encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert senders.of_token(SHOP.encode()) == "shop"
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert senders.of_token(SHOP.encode()) is None

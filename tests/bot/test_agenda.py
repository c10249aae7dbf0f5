"""What is mended next; and a log without secrets."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bot.agenda import SPACING_S, Agenda, key_of, outstanding
from jinkies import logsetup
from jinkies.config import Config, DiscordConfig, Secret
from jinkies.model import AlertRow, Delivery, DeliveryState, Severity, State


def wanted(alert_id: int, *, message_id: str | None = None) -> Delivery:
    state = DeliveryState.PENDING if message_id is None else DeliveryState.POSTED
    return Delivery(
        alert_id=alert_id, channel_id="1", state=state, wanted_revision=5, message_id=message_id, changed_at_ms=0
    )


def row(alert_id: int, decision_rev: int) -> AlertRow:
    return AlertRow(
        alert_id=alert_id,
        state=State.OPEN,
        severity=Severity.ERROR,
        service="api",
        environment="prod",
        title="t",
        exception_type=None,
        request_path=None,
        culprit=None,
        count=1,
        first_seen_at_ms=0,
        last_seen_at_ms=0,
        decision_rev=decision_rev,
    )


def test_decisions_go_before_missing_cards_and_those_before_counts() -> None:
    agenda = Agenda()
    counted, missing, decided = wanted(1, message_id="11"), wanted(2), wanted(3, message_id="33")
    agenda.of(counted).decision_rev = agenda.of(decided).decision_rev = 1
    rows = {1: row(1, 1), 2: row(2, 1), 3: row(3, 2)}
    order = []
    left = [counted, missing, decided]
    while left:
        found, _ = agenda.next(left, rows, now_s=10.0)
        assert found is not None
        order.append(found.alert_id)
        left.remove(found)
    assert order == [3, 2, 1]


def test_the_first_to_fall_behind_goes_first_and_then_queues_at_the_end() -> None:
    agenda = Agenda()
    cards = [wanted(number) for number in (7, 3, 5)]
    assert agenda.next(cards, {}, 0.0)[0] is cards[0]
    agenda.done(cards[0])
    assert agenda.next(cards, {}, 0.0)[0] is cards[1]


def moved(agenda: Agenda, delivery: Delivery, *, edited_at_s: float) -> Delivery:
    progress = agenda.of(delivery)
    progress.decision_rev, progress.edited_at_s = 1, edited_at_s
    return delivery


def test_a_count_is_edited_after_a_while_and_failures_wait() -> None:
    agenda = Agenda()
    counted = moved(agenda, wanted(1, message_id="11"), edited_at_s=10.0)
    rows = {1: row(1, 1)}
    found, wait_s = agenda.next([counted], rows, 10.25)
    assert found is None
    assert wait_s == pytest.approx(SPACING_S - 0.25)
    assert agenda.next([counted], rows, 10.0 + SPACING_S)[0] is counted
    agenda.of(counted).not_before_s = 60.0
    assert agenda.next([counted], rows, 11.0) == (None, 49.0)
    assert agenda.next([], rows, 11.0) == (None, float("inf"))


def test_of_many_counts_each_is_edited_in_turn_or_once_it_is_quiet() -> None:
    agenda = Agenda()
    rows = {number: row(number, 1) for number in range(1, 21)}
    cards = [moved(agenda, wanted(number, message_id="11"), edited_at_s=0.0) for number in rows]
    for tenth in range(1, 239):  # they move all the time
        cards = [msgspec.structs.replace(one, wanted_revision=5 + tenth) for one in cards]
        assert agenda.next(cards, rows, tenth / 10)[0] is None
    assert agenda.next(cards, rows, 24.1)[0] is not None, "each in twenty turns"
    agenda.of(cards[0]).edited_at_s = 24.1
    assert agenda.next(cards[:1] + cards[:1] * 19, rows, 25.2)[0] is None
    assert agenda.next(cards[:1] + cards[:1] * 19, rows, 25.4)[0] is cards[0], "it is quiet"


def test_what_the_core_has_forgotten_is_forgotten() -> None:
    agenda = Agenda()
    for number in range(1, 4_003):
        agenda.of(wanted(number)).failures = 1
    agenda.prune({key_of(wanted(1)): wanted(1)})
    assert agenda.of(wanted(1)).failures == 1
    assert agenda.of(wanted(2)).failures == 0


def test_a_deleted_card_and_one_in_step_want_nothing() -> None:
    posted = wanted(1, message_id="11")
    assert outstanding(posted)
    assert not outstanding(msgspec.structs.replace(posted, shown_revision=5))
    assert not outstanding(msgspec.structs.replace(posted, state=DeliveryState.DELETED))


@contextmanager
def logged(config: Config) -> Iterator[io.StringIO]:
    """What the bot logs with this configuration."""
    stream = io.StringIO()
    with logsetup.configured(config, logging.StreamHandler(stream)):
        yield stream


def test_debug_is_for_the_bot_and_its_core_not_for_libraries() -> None:
    """botocore's DEBUG has signed headers and whole answers, for one, and ``--embedded`` runs it in the bot."""
    libraries = ("botocore.auth", "aiobotocore", "interactions", "aiohttp.access", "httpcore", "githubkit", "asyncio")
    with logged(Config(home=Path("/nowhere"), log_level="DEBUG")) as stream:
        for name in (*libraries, "bot.mender", "jinkies.core"):
            logging.getLogger(name).debug("from %s", name)
            logging.getLogger(name).info("from %s", name)
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["bot.mender"] * 2 + ["jinkies.core"] * 2


def test_the_log_holds_no_secret_not_even_in_a_traceback() -> None:
    config = Config(home=Path("/nowhere"), discord=DiscordConfig(token=Secret("tok-en-of-the-bot")))
    with logged(config) as stream:
        url = "POST::https://discord.com/api/v10/interactions/123/aW50ZXJhY3Rpb24/callback: 404"
        logging.getLogger("interactions").error(url)
        logging.getLogger("interactions").info("Command Called: alerts with context.args = ['a secret search']")
        try:
            int("Authorization: Bot tok-en-of-the-bot")
        except ValueError:
            logging.getLogger("bot").exception("failed")
    text = stream.getvalue()
    assert "/interactions/123/[redacted]/callback" in text
    assert "ValueError" in text
    for secret in ("tok-en-of-the-bot", "aW50ZXJhY3Rpb24", "a secret search"):
        assert secret not in text

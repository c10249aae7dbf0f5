"""Storms: how many new cards a channel gets, and what stands for the rest. Pure.

Within any minute a channel gets at most so many new cards. What goes over joins the channel's digest, one card that
grows. The digest is closed once nothing joined it for a minute, or after an hour; the next to go over begins another.

What a channel could not be shown for a while is told in a digest too, once it can.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jinkies.model import (
    DIGEST_SERVICES,
    DIGEST_WORST,
    AlertRow,
    Digest,
    DigestLine,
)

MINUTE_MS = 60_000
LONGEST_MS = 3_600_000  # Discord lets messages of more than an hour be edited only so often (error 30046)
TITLE_LIMIT = 100


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """People who were called, and when."""

    at_ms: int
    mentions: tuple[str, ...]


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel got within the last minute, and its newest digest."""

    channel_id: str
    cards_at_ms: tuple[int, ...] = ()  # when new cards were wanted, oldest first; at most as many as the bound
    calls: tuple[Call, ...] = ()  # likewise
    number: int = 0  # of the newest digest, 0: there was none
    alert_id: int = 0  # its first alert
    begun_at_ms: int = 0
    joined_at_ms: int = 0  # when something joined it last

    @property
    def kind(self) -> str:
        """The newest digest's kind of delivery."""
        return f"digest-{self.number}"

    def running(self, now_ms: int) -> bool:
        """Whether what goes over joins the newest digest."""
        recent = now_ms - self.joined_at_ms < MINUTE_MS and now_ms - self.begun_at_ms < LONGEST_MS
        return self.number > 0 and recent


def admit(storm: Storm, bound: int, now_ms: int) -> Storm | None:
    """The channel with one more card; None when that is more than ``bound`` within a minute. A bound of 0 is none."""
    if bound == 0:
        return storm
    recent = tuple(at_ms for at_ms in storm.cards_at_ms if now_ms - at_ms < MINUTE_MS)
    if len(recent) >= bound:
        return None
    return msgspec.structs.replace(storm, cards_at_ms=(*recent, now_ms))


def call(storm: Storm, mentions: tuple[str, ...], bound: int, now_ms: int) -> tuple[Storm, tuple[str, ...]]:
    """The channel with one more call, and who of ``mentions`` is to be pinged.

    Beyond ``bound`` calls within a minute only those are who were in none of them.
    """
    if bound == 0:
        return storm, mentions
    recent = tuple(one for one in storm.calls if now_ms - one.at_ms < MINUTE_MS)
    if len(recent) >= bound:
        pinged = {who for one in recent for who in one.mentions}
        mentions = tuple(who for who in mentions if who not in pinged)
    if not mentions:
        return storm, ()
    return msgspec.structs.replace(storm, calls=(*recent, Call(at_ms=now_ms, mentions=mentions))), mentions


def begin(storm: Storm, row: AlertRow, now_ms: int) -> Storm:
    """The channel with a new digest."""
    return msgspec.structs.replace(
        storm, number=storm.number + 1, alert_id=row.alert_id, begun_at_ms=now_ms, joined_at_ms=now_ms
    )


def joined(digest: Digest | None, row: AlertRow, now_ms: int) -> Digest:
    """The digest with one more alert; ``None`` is one that begins."""
    digest = digest or Digest(count=0, since_ms=now_ms, until_ms=now_ms, services={}, worst=())
    named = row.service if row.service in digest.services or len(digest.services) < DIGEST_SERVICES else ""
    line = DigestLine(alert_id=row.alert_id, severity=row.severity, service=row.service, title=row.title[:TITLE_LIMIT])
    worst = sorted((*digest.worst, line), key=_worst_first)
    return msgspec.structs.replace(
        digest,
        count=digest.count + 1,
        until_ms=now_ms,
        services=digest.services | {named: digest.services.get(named, 0) + 1},
        worst=tuple(worst[:DIGEST_WORST]),
    )


def told_late(alerts: Iterable[tuple[AlertRow, int]], digests: Iterable[Digest]) -> Digest:
    """One digest for all of it.

    Args:
        alerts: each with the time since when it was to be told, the oldest first; at least one, or a digest.
        digests: that nobody saw.
    """
    found: Digest | None = None
    for row, at_ms in alerts:
        found = joined(found, row, at_ms)
    for one in digests:
        found = one if found is None else _both(found, one)
    if found is None:
        raise ValueError("a digest of nothing")
    return msgspec.structs.replace(found, late=True)


def _both(one: Digest, other: Digest) -> Digest:
    services = dict(one.services)
    for name, count in other.services.items():
        named = name if name in services or len(services) < DIGEST_SERVICES else ""
        services[named] = services.get(named, 0) + count
    worst = {line.alert_id: line for line in (*one.worst, *other.worst)}.values()
    return msgspec.structs.replace(
        one,
        count=one.count + other.count,
        since_ms=min(one.since_ms, other.since_ms),
        until_ms=max(one.until_ms, other.until_ms),
        services=services,
        worst=tuple(sorted(worst, key=_worst_first)[:DIGEST_WORST]),
        mentions=tuple(dict.fromkeys((*one.mentions, *other.mentions))),
    )


def _worst_first(line: DigestLine) -> tuple[int, int]:
    return (-line.severity.rank, line.alert_id)

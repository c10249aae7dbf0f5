"""FilterLogEvents and DescribeLogGroups: pages and the tokens that lead on."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

import msgspec

from jinkies.simulators.cloudwatch.errors import invalid
from jinkies.simulators.cloudwatch.faults import Faults, Kind
from jinkies.simulators.cloudwatch.pattern import everything, matcher
from jinkies.simulators.cloudwatch.requests import DescribeLogGroups, FilterLogEvents
from jinkies.simulators.cloudwatch.world import NEVER_MS, Filled, Key, Window, World, arn_of, name_of

PAGE_BYTES = 1_048_576  # CloudWatch quota, with PAGE_EVENTS
PAGE_EVENTS = 10_000
TOKEN_LIFE_MS = 24 * 3_600_000  # CloudWatch Logs
NEWEST_FIRST_FROM_MS = 1_704_067_200_000  # 2024-01-01: before, startFromHead=false is refused

_ACTION = "FilterLogEvents"


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a token holds."""

    asked: str  # a digest of the request that it belongs to
    issued_ms: int
    empty: int  # empty pages given since the last one with events
    after: Key | None


def filter_log_events(ask: FilterLogEvents, world: World, faults: Faults, now_ms: int) -> tuple[bytes, int]:
    """The answer's body, and how many events it holds. Raises ``ServiceError``."""
    group = world.group(ask.group())
    _check(ask)
    place = _place(ask, now_ms)
    empty_pages = faults.value(Kind.EMPTY_PAGES, now_ms, _ACTION, (group.name,), 0)
    if place.empty < empty_pages:
        token = _token(_Place(place.asked, now_ms, place.empty + 1, place.after))
        return _body(Filled(joined=b"", events=0, last=None), token), 0
    most = int(faults.value(Kind.SMALL_PAGES, now_ms, _ACTION, (group.name,), PAGE_EVENTS))
    page = group.fill(_window(ask, place.after, now_ms, max(1, most)))
    more = None if page.last is None else _token(_Place(place.asked, now_ms, 0, page.last))
    return _body(page, more), page.events


def _check(ask: FilterLogEvents) -> None:
    if ask.log_stream_names and ask.log_stream_name_prefix:
        raise invalid("logStreamNames and logStreamNamePrefix can't both be given")
    if ask.start_time is not None and ask.end_time is not None and ask.start_time > ask.end_time:
        raise invalid("End time cannot be less than Start time")
    if not ask.start_from_head and (ask.start_time or 0) < NEWEST_FIRST_FROM_MS:
        raise invalid("startFromHead can be false only when startTime is on or after Jan 1, 2024 00:00:00 UTC")


def _window(ask: FilterLogEvents, after: Key | None, now_ms: int, most: int) -> Window:
    matches = matcher(ask.filter_pattern)
    return Window(
        start_ms=ask.start_time or 0,
        end_ms=NEVER_MS if ask.end_time is None else ask.end_time,
        now_ms=now_ms,
        after=after,
        newest_first=not ask.start_from_head,
        matches=None if matches is everything else matches,
        in_stream=in_stream(ask.log_stream_names, ask.log_stream_name_prefix and [ask.log_stream_name_prefix]),
        most_events=min(ask.limit, most, PAGE_EVENTS),
        most_bytes=PAGE_BYTES,
    )


def in_stream(names: list[str] | None, prefixes: list[str] | str | None) -> Callable[[str], bool] | None:
    """Whether a stream is among names, or begins with one of some prefixes; None for all streams."""
    if names:
        return frozenset(names).__contains__
    if prefixes:
        beginnings = tuple(prefixes)
        return lambda stream: stream.startswith(beginnings)
    return None


def _place(ask: FilterLogEvents, now_ms: int) -> _Place:
    same = msgspec.structs.replace(ask, next_token=None, limit=PAGE_EVENTS)
    asked = hashlib.blake2b(msgspec.json.encode(same), digest_size=8).hexdigest()
    if ask.next_token is None:
        return _Place(asked, now_ms, 0, None)
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(ask.next_token), type=_Place)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise invalid("The specified nextToken is invalid.") from None
    if place.asked != asked or now_ms - place.issued_ms > TOKEN_LIFE_MS:
        raise invalid("The specified nextToken is invalid.")
    return place


def _token(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _body(page: Filled, token: str | None) -> bytes:
    end = b"}" if token is None else b',"nextToken":"%b"}' % token.encode()
    return b'{"events":[%b],"searchedLogStreams":[]%b' % (page.joined, end)


def describe_log_groups(ask: DescribeLogGroups, world: World) -> bytes:
    """By name; the token is the last name given. Raises ``ServiceError``."""
    if ask.log_group_name_prefix and ask.log_group_name_pattern:
        raise invalid("logGroupNamePrefix and logGroupNamePattern can't both be given")
    wanted = None if ask.log_group_identifiers is None else {name_of(group) for group in ask.log_group_identifiers}
    prefix, part = ask.log_group_name_prefix or "", (ask.log_group_name_pattern or "").lower()
    found = [
        group
        for group in world.groups()
        if group.name.startswith(prefix) and part in group.name.lower() and group.name > (ask.next_token or "")
        if wanted is None or group.name in wanted
    ]
    answer: dict[str, object] = {
        "logGroups": [
            {
                "logGroupName": group.name,
                "creationTime": group.created_ms,
                "metricFilterCount": 0,
                "arn": arn_of(group.name) + ":*",
                "logGroupArn": arn_of(group.name),
                "storedBytes": group.size_bytes(),
                "logGroupClass": "STANDARD",
            }
            for group in found[: ask.limit]
        ]
    }
    if len(found) > ask.limit:
        answer["nextToken"] = found[ask.limit - 1].name
    return msgspec.json.encode(answer)

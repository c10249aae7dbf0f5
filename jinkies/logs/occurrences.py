"""From matching lines to occurrences: the rest of a stack trace, the lines around it, and what was raised."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from itertools import pairwise

import msgspec

from jinkies.commands import ReportOccurrence
from jinkies.config import WatchConfig
from jinkies.logs.fetch import Ask, LineFilter, PageSource, merged
from jinkies.logs.follow import Patient
from jinkies.logs.seen import Ordinals
from jinkies.logs.sweep import Sweep
from jinkies.model import LogEvent, LogLine
from jinkies.reading.joining import joined
from jinkies.reading.traces import parse

NEAR_MS = 10_000  # read before a match; where that brings too few lines, and is cheap, ``FAR_MS``
FAR_MS = 120_000
AFTER_MS = 3_000
AROUND_EVENTS = 10_000  # read around the matches of a stream
AROUND_CHARS = 8_000_000  # likewise: one event may be 1 MB
READS = 10  # streams of one poll whose surroundings are read: in a storm the others are reported without
LINE_CHARS = 4_000

_EVERYTHING = LineFilter()


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A line that a watch looks for, and its identity."""

    event: LogEvent
    key: bytes


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one stream that belong together, with at least one match in them."""

    lines: tuple[LogEvent, ...]
    matches: tuple[Match, ...]
    before: tuple[LogEvent, ...] = ()
    after: tuple[LogEvent, ...] = ()
    continued: bool = False  # its beginning was reported already, or lies before the watch's


async def gather(
    source: PageSource, matches: list[Match], watch: WatchConfig, sweeps: Mapping[str, Sweep]
) -> list[Finding]:
    """Matches as findings, oldest first; those that can't be read around are findings all the same."""
    found: list[Finding] = []
    for number, cluster in enumerate(_clusters(matches)):
        sweep = sweeps[cluster[0].event.log_group]
        around = await _around(source, sweep.log_group, cluster, watch) if number < READS else []
        found.extend(_findings(cluster, around, watch, sweep))
    return sorted(found, key=lambda finding: finding.lines[0].timestamp_ms)


def occurrence(finding: Finding, watch: WatchConfig, service: str) -> ReportOccurrence:
    """What a finding reports. The environment is left to the core: the service's, else the desk's."""
    head = finding.lines[0]
    raised = parse("\n".join(line.message.rstrip("\n") for line in finding.lines))
    context = {"watch": watch.name, "log_group": head.log_group, "log_stream": head.log_stream, "logged": raised.said}
    return ReportOccurrence(
        service=service,
        message=raised.message,
        exception_type=raised.exception_type,
        stack_trace=raised.stack_trace,
        related_logs=tuple(map(_line, (*finding.before, head, *finding.after))),
        request_path=raised.request_path,
        instance_id=raised.instance_id,
        commit_sha=raised.commit_sha,
        severity=watch.severity,
        context={name: text for name, text in context.items() if text},
        occurred_at_ms=head.timestamp_ms,
    )


def _line(event: LogEvent) -> LogLine:
    return LogLine(
        message=event.message[:LINE_CHARS].rstrip("\n"),
        at_ms=event.timestamp_ms,
        log_group=event.log_group,
        log_stream=event.log_stream,
    )


def _clusters(matches: list[Match]) -> list[list[Match]]:
    """Matches of one stream that are near each other: one reading serves them all. Oldest first."""
    streams: dict[tuple[str, str], list[Match]] = {}
    for match in sorted(matches, key=lambda match: match.event.timestamp_ms):
        streams.setdefault((match.event.log_group, match.event.log_stream), []).append(match)
    found: list[list[Match]] = []
    for stream in streams.values():
        found.append([stream[0]])
        for last, match in pairwise(stream):
            if match.event.timestamp_ms - last.event.timestamp_ms > NEAR_MS:
                found.append([])
            found[-1].append(match)
    return sorted(found, key=lambda cluster: cluster[0].event.timestamp_ms)


async def _around(source: PageSource, log_group: str, cluster: list[Match], watch: WatchConfig) -> list[LogEvent]:
    """The stream around a cluster, as the service orders it; nothing when it can't be read."""
    first_ms, last_ms = cluster[0].event.timestamp_ms, cluster[-1].event.timestamp_ms
    stream = cluster[0].event.log_stream
    ask = Ask(log_group=log_group, start_ms=first_ms - NEAR_MS, end_ms=last_ms + AFTER_MS, streams=(stream,))
    events = await _read(source, ask)
    enough = sum(event.timestamp_ms < first_ms for event in events) >= watch.lines_before
    if not enough and len(events) < AROUND_EVENTS // 10:
        events = await _read(source, msgspec.structs.replace(ask, start_ms=first_ms - FAR_MS))
    return events


async def _read(source: PageSource, ask: Ask) -> list[LogEvent]:
    events: list[LogEvent] = []
    characters = 0
    async with aclosing(merged(Patient(source), [ask], _EVERYTHING)) as runs:
        async for run in runs:
            events.extend(run)
            characters += sum(len(event.message) for event in run)
            if len(events) >= AROUND_EVENTS or characters >= AROUND_CHARS:
                break
    return events


def _findings(cluster: list[Match], around: list[LogEvent], watch: WatchConfig, sweep: Sweep) -> list[Finding]:
    ordinals = Ordinals()
    keys = [ordinals.key(event) for event in around]
    known = set(keys)
    left = [match for match in cluster if match.key not in known]  # not read around, or too far in
    events = [*around, *(match.event for match in left)]
    keys += [match.key for match in left]
    order = sorted(range(len(events)), key=lambda at: events[at].timestamp_ms)
    events, keys = [events[at] for at in order], [keys[at] for at in order]
    wanted = {match.key: match for match in cluster}
    found: list[Finding] = []
    start = 0
    for lines in joined(events):
        end = start + len(lines)
        matches = tuple(wanted[key] for key in keys[start:end] if key in wanted)
        if matches:
            found.append(
                Finding(
                    lines=tuple(lines),
                    matches=matches,
                    before=tuple(events[max(0, start - watch.lines_before) : start]),
                    after=tuple(events[end : end + watch.lines_after]),
                    continued=any(map(sweep.seen.has, lines, keys[start:end])),
                )
            )
        start = end
    return found

"""What redaction costs ingest: one alert of 4.6 KB without a secret, as nearly all are, and the same with five.

Lines in which nothing was found are remembered, so no alert comes twice: each has its own order, address and trace.
Those of 200 kinds repeat their frames; each by itself has its own lines of code too.
Prints microseconds of a processor an alert, the best of some rounds. ``python -m benchmarks.redact``
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import count

import msgspec

from benchmarks.ingest import KINDS, event
from jinkies.commands import ReportOccurrence
from jinkies.ingest.sentry.event import Origin, read_event
from jinkies.model import LogLine
from jinkies.redact import redact_occurrence

SECRETS = (
    "login with password=hunter2 failed",
    "Authorization: Bearer " + "abcdefghij0123456789",
    "postgres://app:" + "hunter2@db/orders",
    "card 4111 1111 " + "1111 1111",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
)


EACH = 200  # alerts of a round


def plain(number: int, kinds: int) -> ReportOccurrence:
    """The event of ``benchmarks.ingest``, read as it is when it comes in."""
    content = json.loads(json.dumps(event(number, kinds)))
    origin = Origin(project="1", sender="bench", services={}, now_ms=1_767_225_600_000)
    return read_event(content, origin).command


def dirty(number: int, kinds: int) -> ReportOccurrence:
    """The same, with five secrets."""
    clean = plain(number, kinds)
    lines = tuple(LogLine(message=text) for text in SECRETS)
    return msgspec.structs.replace(clean, related_logs=(*clean.related_logs, *lines))


def per_alert_us(alerts: Iterator[ReportOccurrence], rounds: int) -> float:
    """Microseconds, the best round's mean."""
    best = float("inf")
    for _ in range(rounds):
        of_round = [next(alerts) for _ in range(EACH)]
        started = time.process_time()
        for command in of_round:
            redact_occurrence(command)
        best = min(best, (time.process_time() - started) / EACH)
    return best * 1_000_000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    made: tuple[tuple[str, Callable[[int, int], ReportOccurrence], int], ...] = (
        ("without a secret, of 200 kinds", plain, KINDS),
        ("without a secret, each its own kind", plain, 10**9),
        ("with five of them, of 200 kinds", dirty, KINDS),
    )
    for title, make, kinds in made:
        size = len(msgspec.json.encode(make(7, kinds)))
        cost = per_alert_us((make(number, kinds) for number in count(1_000)), rounds)
        print(f"{title:<36}{size:,} bytes  {cost:6.0f} µs an alert")


if __name__ == "__main__":
    main()

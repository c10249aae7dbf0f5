"""What redaction costs ingest: one alert of 4.6 KB without a secret, as nearly all are, and the same with five.

Prints microseconds an alert, the best of some rounds. ``python -m benchmarks.redact``
"""

from __future__ import annotations

import argparse
import json
import time

import msgspec

from benchmarks.ingest import event
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


def plain() -> ReportOccurrence:
    """The event of ``benchmarks.ingest``, read as it is when it comes in."""
    content = json.loads(json.dumps(event(7)))
    origin = Origin(project="1", sender="bench", services={}, now_ms=1_767_225_600_000)
    return read_event(content, origin).command


def per_alert_us(command: ReportOccurrence, rounds: int) -> float:
    """Microseconds, the best round's mean of 200."""
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(200):
            redact_occurrence(command)
        best = min(best, (time.perf_counter() - started) / 200)
    return best * 1_000_000


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    clean = plain()
    lines = tuple(LogLine(message=text) for text in SECRETS)
    dirty = msgspec.structs.replace(clean, related_logs=(*clean.related_logs, *lines))
    size = len(msgspec.json.encode(clean))
    print(f"without a secret  {size:,} bytes  {per_alert_us(clean, rounds):6.0f} µs an alert")
    print(
        f"with five of them {len(msgspec.json.encode(dirty)):,} bytes  {per_alert_us(dirty, rounds):6.0f} µs an alert"
    )


if __name__ == "__main__":
    main()

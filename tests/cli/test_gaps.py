"""What a tail did not give, as the command line tells it."""

from __future__ import annotations

import json
import shlex

import pytest

from jinkies.cli.gaps import LIMIT, command, gap_of, told_gap
from jinkies.cli.logs import Writer
from jinkies.logs.viewers import GONE, TOO_SLOW
from jinkies.model import Coverage, LedgerSpan, Level, TailBatch, TailSpec

SPEC = TailSpec(targets=("api",))
DROPPED = TailBatch(
    dropped=7,
    spans=(
        LedgerSpan(start_s=100, end_s=160, coverage=Coverage.COMPLETE),
        LedgerSpan(start_s=120, end_s=130, coverage=Coverage.MISSING, reason=TOO_SLOW),
    ),
)


def test_what_was_dropped_is_a_gap_of_its_own_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    gap = gap_of(DROPPED, SPEC, 100_000, "json")
    assert gap is not None
    assert (gap.dropped, gap.reason) == (7, TOO_SLOW)
    assert (gap.from_, gap.until) == ("1970-01-01T00:02:00.000Z", "1970-01-01T00:02:09.999Z")
    told_gap(gap)
    Writer("json", groups=False).gap(gap)
    Writer("text", groups=False).gap(gap)
    out, err = capsys.readouterr()
    assert err == (
        "jinkies: 7 lines were dropped: whoever reads this is too slow; this reads all again:\n"
        f"jinkies: {gap.command}\n"
    )
    assert [json.loads(one)["gap"]["dropped"] for one in out.splitlines()] == [7]


@pytest.mark.parametrize(("gone_ms", "gap"), [(None, False), (99_999, False), (100_000, True)])
def test_what_was_not_asked_for_is_no_gap(gone_ms: int | None, *, gap: bool) -> None:
    found = gap_of(TailBatch(gone_ms=gone_ms), SPEC, 100_000, "text")
    assert (found is not None and found.reason == GONE) is gap


def test_the_command_asks_for_the_same_lines_whatever_they_are_asked_with() -> None:
    spec = TailSpec(targets=("-odd", "api"), level=Level.ERROR, grep="-x 'y' $(z)", filter_pattern='{ $.a = "b" }')
    words = shlex.split(command(spec, 0, 1_500, "raw"))
    assert words == [
        "jinkies",
        "logs",
        "--since=1970-01-01T00:00:00.000Z",
        "--until=1970-01-01T00:00:01.500Z",
        f"--limit={LIMIT}",
        "--level=error",
        "--grep=-x 'y' $(z)",
        '--filter={ $.a = "b" }',
        "--output=raw",
        "--",
        "-odd",
        "api",
    ]

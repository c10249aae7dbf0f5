"""Lines that a tail did not give: from when to when, why, and the command that reads them."""

from __future__ import annotations

import shlex

import msgspec

from jinkies.cli.output import complain
from jinkies.clock import iso
from jinkies.logs.viewers import GONE, TOO_SLOW
from jinkies.model import Level, TailBatch, TailSpec
from jinkies.words import number_of

LIMIT = 1_000_000  # of the command: more than rings and readers hold, and ``jinkies logs`` says where it stops


class Gap(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Times are ISO 8601, UTC; both ends belong to it."""

    from_: str
    until: str
    dropped: int  # lines, where that is known; 0 where it is not
    reason: str
    command: str  # for a shell


def gap_of(batch: TailBatch, spec: TailSpec, asked_ms: int, output: str) -> Gap | None:
    """What a batch says is missing before its lines, of those asked for: from ``asked_ms`` on."""
    reason, start_ms, end_ms = GONE, asked_ms, batch.gone_ms
    if batch.dropped:
        lost = [span for span in batch.spans if span.reason == TOO_SLOW]
        newest_s = max((span.end_s for span in lost), default=0)
        reason, end_ms = TOO_SLOW, max(end_ms or 0, newest_s * 1000 - 1)
        if batch.gone_ms is None:
            start_ms = max(asked_ms, min((span.start_s for span in lost), default=0) * 1000)
    if end_ms is None or (end_ms < start_ms and not batch.dropped):
        return None
    return Gap(
        from_=iso(start_ms),
        until=iso(max(start_ms, end_ms)),
        dropped=batch.dropped,
        reason=reason,
        command=command(spec, start_ms, max(start_ms, end_ms), output),
    )


def told_gap(gap: Gap) -> None:
    """On stderr."""
    if gap.dropped:
        were = "was" if gap.dropped == 1 else "were"
        complain(
            f"{number_of(gap.dropped, 'line')} {were} dropped: whoever reads this is too slow; this reads all again:"
        )
    else:
        complain(f"the tail no longer holds what came before {_second(gap.until)}; this reads it:")
    complain(gap.command)


def command(spec: TailSpec, start_ms: int, end_ms: int, output: str) -> str:
    """``jinkies logs`` of the same lines in a range, both ends inclusive, fit for a shell."""
    words = ["jinkies", "logs", f"--since={iso(start_ms)}", f"--until={iso(end_ms)}", f"--limit={LIMIT}"]
    if spec.level is not Level.NONE:
        words.append(f"--level={spec.level}")
    words += [f"--grep={spec.grep}"] if spec.grep else []
    words += [f"--filter={spec.filter_pattern}"] if spec.filter_pattern else []
    words += [f"--output={output}"] if output != "text" else []
    return shlex.join([*words, "--", *spec.targets])


def _second(at: str) -> str:
    return at.partition(".")[0] + "Z"

"""What stays: of an alert's occurrences the first, the newest, and ever fewer of those between; of the journal. Pure.

Ordinals count an alert's occurrences from 1. Of those ``NEWEST``·2^j or more behind the newest, only multiples of
``STEP``·2^j stay: each survivor of a later bound was one of an earlier, so nothing has to be kept for the future.
"""

from __future__ import annotations

from collections.abc import Iterable

NEWEST = 20  # kept whole, besides the first
STEP = 16
TOGETHER = 10  # so many go at once: neighbours share a page, and each for itself would write one with each occurrence
JOURNAL_ENTRIES = 200_000  # more are compacted however new they are
JOURNAL_NEWEST = 10_000  # never compacted however old they are: who was away for a while goes on where it was
COMPACT_STEP = 500  # entries in one transaction


def dropped(counts: range) -> list[int]:
    """The ordinals that go while an alert's count takes these values, one after another.

    At most about ``NEWEST`` + 1.25·log2(count / ``NEWEST``) + 2 stay: 42 of a million; and up to ``TOGETHER`` - 1 more
    until these go.
    """
    gone: list[int] = []
    for count in counts:
        behind, step = NEWEST, STEP
        while (ordinal := count - behind) > 1:
            if ordinal % step and (behind == NEWEST or not ordinal % (step // 2)):
                gone.append(ordinal)
            behind, step = behind * 2, step * 2
    return gone


def compactable(oldest: Iterable[tuple[int, int]], head: int, before_ms: int) -> int:
    """Up to which entry the journal may go; 0 is none.

    Args:
        oldest: (seq, at_ms) of its oldest entries, in order.
        head: the newest entry's seq.
        before_ms: what is older may go.
    """
    through = 0
    for seq, at_ms in oldest:
        if seq > head - JOURNAL_NEWEST or (at_ms >= before_ms and seq > head - JOURNAL_ENTRIES):
            break
        through = seq
    return through

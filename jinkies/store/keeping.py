"""Which occurrences of an alert stay: the first, the newest, and ever fewer of those between. Pure.

Ordinals count an alert's occurrences from 1. Of those ``NEWEST``·2^j or more behind the newest, only multiples of
``STEP``·2^j stay: each survivor of a later bound was one of an earlier, so nothing has to be kept for the future.
"""

from __future__ import annotations

NEWEST = 20  # kept whole, besides the first
STEP = 16


def dropped(counts: range) -> list[int]:
    """The ordinals that go while an alert's count takes these values, one after another.

    At most about ``NEWEST`` + 1.25·log2(count / ``NEWEST``) + 2 stay: 42 of a million.
    """
    gone: list[int] = []
    for count in counts:
        behind, step = NEWEST, STEP
        while (ordinal := count - behind) > 1:
            if ordinal % step and (behind == NEWEST or not ordinal % (step // 2)):
                gone.append(ordinal)
            behind, step = behind * 2, step * 2
    return gone

"""Deciding on many alerts at once: what will be touched, said before; what came of it, said after. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from jinkies.commands import Outcome
from jinkies.model import AlertRow

BULK_LIMIT = 500  # decisions in one command


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision on many alerts will touch: how many of each, the most first."""

    count: int
    states: tuple[tuple[str, int], ...]
    services: tuple[tuple[str, int], ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a decision on many alerts."""

    changed: int
    already: int  # it was so before
    refused: tuple[tuple[int, str], ...]  # alert and reason

    @property
    def words(self) -> str:
        """``9 changed, 2 were so already, 1 refused``."""
        parts = [f"{self.changed:,} changed"]
        if self.already:
            parts.append(f"{self.already:,} {'was' if self.already == 1 else 'were'} so already")
        if self.refused:
            parts.append(f"{len(self.refused):,} refused")
        return ", ".join(parts)


def touched(rows: Sequence[AlertRow]) -> Touched:
    """Counted by state and by service."""
    return Touched(
        count=len(rows),
        states=tuple(Counter(row.state.value for row in rows).most_common()),
        services=tuple(Counter(row.service for row in rows).most_common()),
    )


def counted(pairs: Sequence[tuple[str, int]], most: int = 6) -> str:
    """``9 open, 3 acknowledged``; of more than ``most`` the rest is one number."""
    parts = [f"{count:,} {name}" for name, count in pairs[:most]]
    rest = sum(count for _, count in pairs[most:])
    return ", ".join([*parts, f"{rest:,} of {len(pairs) - most:,} others"] if rest else parts)


def done(outcome: Outcome) -> Done:
    """The outcome of a ``Bulk``."""
    refused = tuple((one.alert_id or 0, one.refused) for one in outcome.items if one.refused)
    changed = sum(one.changed for one in outcome.items)
    return Done(changed=changed, already=len(outcome.items) - changed - len(refused), refused=refused)

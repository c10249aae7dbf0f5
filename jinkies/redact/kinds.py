"""Of which kinds the secrets are that were cut from a report: counted, never kept."""

from __future__ import annotations

from collections import Counter

from jinkies.commands import ReportOccurrence
from jinkies.redact.engine import NAMED, Redactor
from jinkies.redact.reports import is_clean_report, redact_each, secrets_cut


class Counting(Redactor):
    """Cuts as another redactor does, and counts by kind what it cuts."""

    def __init__(self, like: Redactor) -> None:  # its rules are compiled already
        self.__dict__.update(like.__dict__)
        self.kinds: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """As the other one's."""
        return self._all_passes(text, self.kinds)


def redact_counted(command: ReportOccurrence, redactor: Redactor) -> tuple[ReportOccurrence, dict[str, int]]:
    """As ``redact_occurrence``, with how many secrets of which kind were cut."""
    if is_clean_report(command, redactor):
        return command, {}
    counting = Counting(redactor)
    clean = redact_each(command, counting)
    return clean, _fitted(counting.kinds, secrets_cut(command, clean))


def _fitted(kinds: Counter[str], cut: int) -> dict[str, int]:
    """So many in all: what went whole for its name is counted by nobody else, and what two found is one."""
    found = dict(kinds)
    over = sum(found.values()) - cut
    if over < 0:
        found[NAMED] = found.get(NAMED, 0) - over
    for kind in sorted(found, key=lambda one: -found[one]):
        less = min(max(over, 0), found[kind])
        found[kind] -= less
        over -= less
    return {kind: count for kind, count in found.items() if count}

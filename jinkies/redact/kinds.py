"""Of which kinds the secrets are that were cut from a report: counted, never kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from jinkies.commands import ReportOccurrence
from jinkies.redact.cards import card_numbers
from jinkies.redact.commands import command_lines
from jinkies.redact.engine import Redactor
from jinkies.redact.marks import MARK
from jinkies.redact.own import emails, ips, own_patterns
from jinkies.redact.private_keys import private_keys
from jinkies.redact.reports import is_clean_report, redact_each, secrets_cut
from jinkies.redact.shapes import known_shapes, scheme_values
from jinkies.redact.telling import telling_words
from jinkies.redact.values import named_values

NAMED = "named_value"  # what stands under a secret's name: password=…


class Counting(Redactor):
    """Cuts as another redactor does, and counts by kind what it cuts."""

    def __init__(self, like: Redactor) -> None:  # its rules are compiled already
        self.__dict__.update(like.__dict__)
        self.kinds: Counter[str] = Counter()

    def is_clean(self, text: str) -> bool:
        """Whether there is nothing to cut; asking counts nothing."""
        return super()._one_pass(text) == text

    def _one_pass(self, text: str) -> str:
        """The steps of the other one, a kind each."""
        keep = self._keep
        if "PRIVATE KEY" in text:
            text = self._step("private_key", text, private_keys)
        if (words := telling_words(text)) is not None:
            text = self._step(NAMED, text, lambda one: named_values(one, words.lowered, keep))
            text = self._step("authorization", text, lambda one: scheme_values(one, words.lowered, keep))
            text = self._step("command_line", text, lambda one: command_lines(one, words.text, keep))
            text = self._step("token", text, lambda one: known_shapes(one, words, keep))
        text = self._step("card_number", text, lambda one: card_numbers(one, keep))
        text = self._step("own_pattern", text, lambda one: own_patterns(one, self._also, keep))
        if self._emails:
            text = self._step("email", text, lambda one: emails(one, keep))
        return self._step("ip", text, lambda one: ips(one, keep)) if self._ips else text

    def _step(self, kind: str, text: str, cut: Callable[[str], str]) -> str:
        after = cut(text)
        if after is not text and (more := after.count(MARK) - text.count(MARK)) > 0:
            self.kinds[kind] += more
        return after


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

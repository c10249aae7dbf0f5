"""What is looked for first is looked for among a text's words, each once: a trace says the same again and again."""

from __future__ import annotations

from typing import NamedTuple

_LONG = 16
_LONGEST = 40


class Words(NamedTuple):
    """The words of a text, in any order, with blanks between them."""

    text: str
    lowered: str
    long: str  # of 16 characters or more, parted at slashes, brackets and quotes too
    longest: str  # of 40 characters or more


def words_of(text: str) -> Words:
    """The words between the blanks of a text."""
    words = set(text.split())
    joined = " ".join(words)
    long = [word for word in words if len(word) >= _LONG]
    parted = " ".join(long).replace("/", " ").replace("(", " ").replace('"', " ").replace("'", " ").split()
    return Words(
        text=joined,
        lowered=joined.lower(),
        long=" ".join([word for word in set(parted) if len(word) >= _LONG]),
        longest=" ".join([word for word in long if len(word) >= _LONGEST]),
    )

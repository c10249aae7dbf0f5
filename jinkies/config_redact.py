"""``[redact]`` of the configuration: what each key must be. Errors name patterns by their place, not by their text."""

from __future__ import annotations

from jinkies import config_checks as checks

MOST_PATTERNS = 50
MOST_KEPT = 100
LONGEST_KEPT = 200


def also(value: object) -> tuple[str, ...]:
    """Regular expressions that can't be slow."""
    from jinkies.redact import Unfit, compile_pattern  # only who has some pays for its patterns

    found = _texts(value, "regular expressions", MOST_PATTERNS, 10_000)
    for index, one in enumerate(found):
        try:
            compile_pattern(one)
        except Unfit as error:
            raise checks.Wrong(f"[{index}]: {error}") from None
    return found


def keep(value: object) -> tuple[str, ...]:
    """Texts and names."""
    return _texts(value, "texts", MOST_KEPT, LONGEST_KEPT)


def switch(value: object) -> bool:
    """On or off."""
    if not isinstance(value, bool):
        raise checks.Wrong(f"expected true or false, got {checks.kind_of(value)}")
    return value


def _texts(value: object, what: str, most: int, longest: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise checks.Wrong(f"expected a list of {what}, at most {most}")
    for index, one in enumerate(value):
        if not isinstance(one, str) or not one or len(one) > longest:
            raise checks.Wrong(f"[{index}]: expected a text in quotes, 1 to {longest:,} characters")
    return tuple(dict.fromkeys(value))


CHECKS: dict[str, checks.Check] = {"also": also, "keep": keep, "emails": switch, "ips": switch}

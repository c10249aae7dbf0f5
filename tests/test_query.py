"""The query grammar: what it reads, what it says of what it can't, and that it reads its own words back."""

from __future__ import annotations

from datetime import UTC

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.errors import Invalid
from jinkies.model import UNRESOLVED, AlertRow, Counts, Severity, State
from jinkies.query import Filter, Term, completions, parse, terms

NOW_MS = 1_767_225_600_000


def read(text: str) -> Filter:
    return parse(text, now_ms=NOW_MS, zone=UTC)


def row(**changes: object) -> AlertRow:
    fields: dict[str, object] = {
        "alert_id": 42,
        "state": State.OPEN,
        "severity": Severity.ERROR,
        "service": "api",
        "environment": "prod",
        "title": "KeyError: order_id",
        "exception_type": "KeyError",
        "request_path": None,
        "culprit": None,
        "count": 12,
        "first_seen_at_ms": NOW_MS - 7_200_000,
        "last_seen_at_ms": NOW_MS - 3_600_000,
    }
    return msgspec.convert(fields | changes, AlertRow)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Filter()),
        ("unresolved", Filter()),
        ("state:open", Filter(states=(State.OPEN,))),
        ("is:acknowledged|resolved", Filter(states=(State.ACKNOWLEDGED, State.RESOLVED))),
        ("state:snoozed,ack,open", Filter(states=UNRESOLVED)),
        ("state:open state:ack", Filter(states=(State.ACKNOWLEDGED,))),
        ("state:any", Filter(states=())),
        ("service:api", Filter(service="api")),
        ('service:"my api" lock', Filter(service="my api", search="lock")),
        ("level>=error", Filter(severity=Severity.ERROR)),
        ("SEV:crit", Filter(severity=Severity.CRITICAL)),
        ("env:prod", Filter(environment="prod")),
        ("since:2h", Filter(since="2h", since_ms=NOW_MS - 7_200_000)),
        ("tag:region=eu", Filter(tags=(("region", "eu"),))),
        ('tag:customer="a b"', Filter(tags=(("customer", "a b"),))),
        ("#42", Filter(states=(), ids=(42,))),
        ("id:42,7 state:open", Filter(states=(State.OPEN,), ids=(42, 7))),
        ("count>10", Filter(min_count=11)),
        ("count>=10", Filter(min_count=10)),
        ('"dead lock" timeout -retry', Filter(search='"dead lock" timeout -retry')),
        ("status=500 id=7 http://x/y KeyError:", Filter(search="status=500 id=7 http://x/y KeyError:")),
        ('"state:open"', Filter(search='"state:open"')),
        ('state: service: level>= "', Filter()),
    ],
)
def test_reads(text: str, expected: Filter) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("level>=loud", "no level “loud”: info, warning, error or critical"),
        ("state:closed", "no state “closed”: open"),
        ("level>error", "not “level>error”: level>=error"),
        ("status:open", "not “status:open”: state:open"),
        ("servce:api", "no key “servce”: service:api"),
        ("since:whenever", "since:: 'whenever' is no time; give one of"),
        ("tag:region", "not “tag:region”: tag:region=eu"),
        ("count>many", "not “count>many”: count>10"),
        ("id:x", "no number “x”: id:42"),
        ("-service:api", "only words and phrases can be left out"),
        ("->", "nothing to look for in “->”"),
        ("since:1h until:2h", "since:1h is not before until:2h"),
        ("x" * 1_001, "at most 1,000"),
        ("a " * 21, "at most 20"),
    ],
)
def test_says_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(Invalid) as raised:
        read(text)
    assert said in str(raised.value)


PIECES = st.sampled_from(
    [
        "state:open",
        "is:resolved",
        "service:api",
        'service:"a b"',
        "level>=error",
        "since:2h",
        "until:1h",
        "tag:a=b",
        "#42",
        "id:1,2",
        "count>10",
        '"a phrase"',
        "-word",
        '-"a phrase"',
        "word",
        "unresolved",
        "--state:open",
        "a:b",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=8).map(" ".join))
def test_reads_its_own_words_back(text: str) -> None:
    try:
        found = read(text)
    except Invalid:
        return
    assert read(found.text) == found


def test_only_the_last_plain_word_is_a_beginning() -> None:
    assert [term.prefix for term in terms("dead lock")] == [False, True]
    assert not any(term.prefix for term in (*terms('dead "lock"'), *terms("dead -lock")))
    assert terms('"unclosed quote') == (Term(text="unclosed quote", phrase=True),)


@pytest.mark.parametrize(
    ("text", "belongs"),
    [
        ("env:prod level>=error service:api count>=12 since:2h order", True),
        ("env:test", False),
        ("level>=critical", False),
        ("service:worker", False),
        ("state:resolved", False),
        ("count>12", False),
        ("since:30m", False),
        ("until:2h", False),
        ("#42", True),
        ("#7", False),
        ("42", True),
        ("elsewhere", False),
        ("order -retry", False),  # the rest of its text may hold it
        ("tag:a=b", False),
    ],
)
def test_a_row_belongs_only_where_it_surely_does(text: str, *, belongs: bool) -> None:
    assert read(text).matches(row()) is belongs


def test_totals_are_known_of_states_alone() -> None:
    counts = Counts(open=3, acknowledged=2, resolved=10)
    assert [read(text).total(counts) for text in ("", "state:resolved", "state:any", "env:a")] == [5, 10, 15, None]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("se", "service:"),
        ("lev", "level>="),
        ("lock state:res", "lock state:resolved"),
        ("service:a", "service:api"),
        ("service:m", 'service:"my api"'),
        ("env:p", "env:prod"),
        ("level>=w", "level>=warning"),
        ("lock ", None),
        ("", None),
    ],
)
def test_completes(text: str, first: str | None) -> None:
    found = completions(text, services=("api", "my api"), environments=("prod",))
    assert next(iter(found), None) == first

"""Matchers as people type them."""

from __future__ import annotations

import re

import pytest

from jinkies.errors import Invalid
from jinkies.matching import Matcher, Op, Subject, is_literal, literally, matches, parse_matchers
from jinkies.model import AlertRow, Severity, State

ROW = AlertRow(
    alert_id=1,
    state=State.OPEN,
    severity=Severity.ERROR,
    service="api",
    environment="prod",
    title="KeyError: 'order_id'",
    exception_type="KeyError",
    request_path=None,
    culprit=None,
    count=1,
    first_seen_at_ms=0,
    last_seen_at_ms=0,
)
SUBJECT = Subject(row=ROW, fingerprint="abc", tags={"region": "eu", "k8s.io/team": "shop"})


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("service=api", True),
        ("service=worker", False),
        ("service!=worker env=prod", True),
        ("severity>=warning", True),
        ("severity>=critical", False),
        ("level=error", True),
        ("title=~ORDER_id", True),
        ('title=~"order_id\'$"', True),
        ("title!~order", False),
        ("exception=KeyError fingerprint=abc", True),
        ("tag:region=eu tag:k8s.io/team=shop", True),
        ("tag:region!=eu", False),
        ("tag:zone!=a", True),
        ('tag:zone=""', True),
        ("service = api", True),
    ],
)
def test_matchers_fit_or_not(text: str, fits: bool) -> None:
    assert matches(parse_matchers(text), SUBJECT) is fits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "matchers: 0 of them; 1 to 20"),
        ("deadlock", "matcher: 'deadlock' is none; write field=value"),
        ("service=api deadlock", "matcher: 'deadlock' is none"),
        ("sevice=api", "no field 'sevice'; one of service, environment"),
        ("tag:=x", "no field 'tag:'"),
        ("service>=api", "matcher service: >= is for severity only"),
        ("severity>=bad", "matcher severity: 'bad' is none; one of info, warning, error, critical"),
        ("title=~(", "matcher title: '\\(' is no regular expression"),
        (f"title={'x' * 201}", "matcher title: 201 characters; at most 200"),
        ("service=a " * 21, "matchers: 21 of them; 1 to 20"),
    ],
)
def test_what_is_no_matcher_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_matchers(text)


@pytest.mark.parametrize("value", ["api", "", "a b", 'say "hi"', "back\\slash", "tab\tin"])
def test_a_matcher_is_read_back_as_it_is_written(value: str) -> None:
    matcher = Matcher(field="tag:x", op=Op.IS, value=value)
    assert parse_matchers(str(matcher)) == (matcher,)


@pytest.mark.parametrize(
    "text", ["", "dead lock", "50% (of) [it]", "a\\b", "C:\\temp.*", "über-große\nZeile", "#1 ~ & -"]
)
def test_a_text_as_a_pattern_finds_itself_alone(text: str) -> None:
    assert is_literal(literally(text))
    assert re.fullmatch(literally(text), text)


@pytest.mark.parametrize("pattern", ["a.b", "(a+)+$", "a|b", "[ab]", "\\d", "\\bword\\b", "x{9999}", "^a", "a\\"])
def test_a_pattern_is_not_taken_for_a_text(pattern: str) -> None:
    assert not is_literal(pattern)

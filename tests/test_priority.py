from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jinkies.lifecycle import HEAT_HALF_LIFE_S
from jinkies.model import AlertRow, Severity, State
from jinkies.priority import Level, heat, level, points, priority, rate_a_minute

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

ROW = AlertRow(
    alert_id=1,
    state=State.OPEN,
    severity=Severity.ERROR,
    service="api",
    environment="prod",
    title="boom",
    exception_type=None,
    request_path=None,
    culprit=None,
    count=1,
    first_seen_at_ms=NOW_MS,
    last_seen_at_ms=NOW_MS,
    heat=1.0,
)


def row(**changes: object) -> AlertRow:
    return msgspec.structs.replace(ROW, **changes)


moments = st.integers(min_value=NOW_MS - 400 * DAY_MS, max_value=NOW_MS + DAY_MS)
rows = st.builds(
    lambda state, severity, first, seen, heat, silenced: row(
        state=state, severity=severity, first_seen_at_ms=first, last_seen_at_ms=seen, heat=heat, silenced_by=silenced
    ),
    st.sampled_from(State),
    st.sampled_from(Severity),
    moments,
    moments,
    st.floats(min_value=0, max_value=1e12),
    st.sampled_from([None, 1]),
)


@given(rows)
def test_points_are_within_bounds_and_the_same_for_the_same_moment(one: AlertRow) -> None:
    found = priority(one, NOW_MS)
    assert 0 <= found.points <= 100
    assert found == priority(one, NOW_MS)
    assert found.level is level(one, NOW_MS)
    assert found.reason
    assert "\n" not in found.reason


@given(rows, st.sampled_from(Severity))
def test_a_worse_severity_is_never_less(one: AlertRow, other: Severity) -> None:
    less, more = sorted((one.severity, other), key=lambda severity: severity.rank)
    changed = [msgspec.structs.replace(one, severity=severity) for severity in (less, more)]
    assert points(changed[0], NOW_MS) <= points(changed[1], NOW_MS)


@given(rows, st.floats(min_value=0, max_value=1e12))
def test_more_heat_is_never_less(one: AlertRow, more: float) -> None:
    hotter = msgspec.structs.replace(one, heat=one.heat + more)
    assert points(one, NOW_MS) <= points(hotter, NOW_MS)


@given(rows, st.integers(min_value=0, max_value=400 * DAY_MS))
def test_what_is_newer_is_never_less(one: AlertRow, newer_ms: int) -> None:
    newer = msgspec.structs.replace(one, first_seen_at_ms=one.first_seen_at_ms + newer_ms)
    assert points(one, NOW_MS) <= points(newer, NOW_MS)


@given(rows, st.integers(min_value=0, max_value=400 * DAY_MS))
def test_nothing_rises_by_waiting(one: AlertRow, later_ms: int) -> None:
    assert points(one, NOW_MS + later_ms) <= points(one, NOW_MS) + 1e-9


@given(rows)
def test_who_is_on_it_lowers_it(one: AlertRow) -> None:
    by_state = [points(msgspec.structs.replace(one, state=state), NOW_MS) for state in State]
    assert by_state == sorted(by_state, reverse=True)
    assert by_state[-1] == 0


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (row(severity=Severity.CRITICAL), Level.URGENT),
        (row(severity=Severity.CRITICAL, first_seen_at_ms=NOW_MS - DAY_MS, heat=0.0), Level.HIGH),
        (row(), Level.HIGH),
        (row(first_seen_at_ms=NOW_MS - DAY_MS, heat=0.1), Level.NORMAL),
        (row(first_seen_at_ms=NOW_MS - DAY_MS, heat=250.0), Level.URGENT),
        (row(severity=Severity.WARNING), Level.NORMAL),
        (row(severity=Severity.INFO), Level.LOW),
        (row(severity=Severity.INFO, heat=1_000.0), Level.HIGH),
        (row(severity=Severity.CRITICAL, state=State.ACKNOWLEDGED), Level.NORMAL),
        (row(severity=Severity.CRITICAL, silenced_by=3), Level.LOW),
        (row(severity=Severity.CRITICAL, state=State.RESOLVED, merged_into=2), Level.LOW),
    ],
)
def test_what_is_looked_at_first(one: AlertRow, expected: Level) -> None:
    assert level(one, NOW_MS) is expected


def test_heat_halves_and_says_its_rate() -> None:
    hot = row(heat=100.0)
    assert heat(hot, NOW_MS + HEAT_HALF_LIFE_S * 1000) == pytest.approx(50)
    once_a_second = row(heat=HEAT_HALF_LIFE_S / 0.6931471805599453)
    assert rate_a_minute(once_a_second, NOW_MS) == pytest.approx(60)


def test_the_reason_names_what_counted() -> None:
    flood = row(heat=144.0, first_seen_at_ms=NOW_MS - 3 * DAY_MS - HOUR_MS)
    assert priority(flood, NOW_MS).reason == "error · 10.0 a minute · first seen 3 d ago"
    taken = row(heat=0.0, state=State.ACKNOWLEDGED, silenced_by=1)
    assert priority(taken, NOW_MS).reason == "error · quiet lately · first seen just now · acknowledged · silenced"

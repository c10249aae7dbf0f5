"""A tail against a faulty CloudWatch: nothing lost, nothing invented, and a ledger that says what it knows."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.logs.followed import Outcome, run
from tests.logs.judged import check, check_denied, check_restarted
from tests.logs.schedules import Schedule, schedules

SAMPLE = settings(
    max_examples=8,
    deadline=None,  # a schedule takes from a tenth of a second to several
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
SOAK = settings(SAMPLE, max_examples=700, derandomize=False, phases=[Phase.generate, Phase.shrink], print_blob=True)


@SAMPLE
@given(schedules())
def test_a_sample_of_schedules(schedule: Schedule) -> None:
    check(run(schedule))


@SAMPLE
@given(schedules(denied=True))
def test_a_sample_of_schedules_in_which_reading_is_denied_for_ever(schedule: Schedule) -> None:
    check_denied(run(schedule))


@settings(SAMPLE, max_examples=4)
@given(schedules(restarted=True))
def test_a_sample_of_schedules_with_a_restart_of_the_core(schedule: Schedule) -> None:
    check_restarted(run(schedule))


@pytest.mark.soak
@pytest.mark.timeout(7_200)
class TestSoak:
    """1,000 schedules, and the figure."""

    done: ClassVar[Counter[str]] = Counter()

    def test_schedules(self) -> None:
        @SOAK
        @given(schedules())
        def judge(schedule: Schedule) -> None:
            self.count(outcome := run(schedule))
            check(outcome)

        judge()

    def test_schedules_in_which_reading_is_denied_for_ever(self) -> None:
        @settings(SOAK, max_examples=200)
        @given(schedules(denied=True))
        def judge(schedule: Schedule) -> None:
            self.count(outcome := run(schedule))
            check_denied(outcome)

        judge()

    def test_schedules_with_a_restart_of_the_core(self) -> None:
        @settings(SOAK, max_examples=100)
        @given(schedules(restarted=True))
        def judge(schedule: Schedule) -> None:
            self.count(outcome := run(schedule))
            check_restarted(outcome)

        judge()

    def test_the_figure(self) -> None:
        done = self.done
        print(
            f"\n{done['schedules']:,} schedules, {done['events']:,} events given, {done['lost']:,} lost,"
            f" {done['invented']:,} invented; {done['denied']:,} more that could not be had, all in the ledger;"
            f" {done['sessions']:,} Live Tail sessions, {done['pages']:,} pages"
        )
        assert done["schedules"] >= 1_000

    def count(self, outcome: Outcome) -> None:
        denied = outcome.schedule.denied_from_s is not None or outcome.ended
        missing = (outcome.wanted() - outcome.got()).total()
        self.done.update(
            schedules=1,
            events=len(outcome.events),
            lost=0 if denied else missing,
            denied=missing if denied else 0,
            invented=(outcome.got() - outcome.wanted()).total(),
            sessions=len(outcome.sessions),
            pages=outcome.pages,
        )
        if self.done["schedules"] % 100 == 0:
            print(f"\n{self.done['schedules']:,} schedules …", flush=True)

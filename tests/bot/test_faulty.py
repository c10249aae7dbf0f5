"""Every fault on a random schedule: in the end each wanted delivery is satisfied exactly once, and nobody waits."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bot.faulty import Result, run

SAMPLE = (5, 10, 18)


def judged(seeds: range | tuple[int, ...]) -> list[Result]:
    results = []
    for seed in seeds:
        result = run(seed)
        assert not result.wrong, f"seed {seed}: {result.wrong}\n{result.happened}"
        results.append(result)
    return results


def told(results: list[Result]) -> str:
    answers: Counter[str] = sum((one.answers for one in results), Counter())
    slowest = sorted(one.settled_s for one in results)
    return (
        f"{len(results)} seeds, {sum(one.faults for one in results):,} faults, {sum(one.hit for one in results):,} of"
        f" {sum(one.requests for one in results):,} requests hit: {sum(one.alerts for one in results):,} alerts told"
        f" exactly once, {sum(one.cards for one in results):,} by a card that shows their state and"
        f" {sum(one.digested for one in results):,} by a digest; {sum(one.reposts for one in results)} reposts,"
        f" {sum(one.deleted for one in results)} deleted by people; interactions {dict(answers)};"
        f" {sum(one.own_429 for one in results)} rate limits run into; all in step {slowest[len(slowest) // 2]:.0f} s"
        f" after the last fault (median), {slowest[-1]:.0f} s at most"
    )


def test_a_sample_of_faults() -> None:
    print(told(judged(SAMPLE)))


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_every_fault_on_200_random_schedules() -> None:
    print(told(judged(range(1, 201))))

"""What must hold of a tail, whatever happened to its upstream."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

from jinkies.model import Coverage, TailMode
from jinkies.simulators.cloudwatch import Event, Session
from tests.logs.followed import Identity, Outcome, folded, identity
from tests.logs.schedules import TRAFFIC_S, at_ms

SETTLE_MS = 10_000  # an event that becomes readable later than this can't be vouched for
MARGIN_MS = 1_500
GONE = frozenset({Coverage.MISSING, Coverage.SAMPLED})


def check(outcome: Outcome) -> None:
    """All that must hold when FilterLogEvents answers in the end."""
    if outcome.ended:
        check_ended(outcome)
        return
    lost, invented = outcome.wanted() - outcome.got(), outcome.got() - outcome.wanted()
    assert not lost, f"lost {_few(lost)}"
    assert not invented, f"invented {_few(invented)}"
    check_order(outcome)
    check_figures(outcome)
    check_promises(outcome)
    said = outcome.ledger()
    for second in range(outcome.begin_ms // 1000, at_ms(TRAFFIC_S) // 1000):
        assert said.get(second) is Coverage.COMPLETE, f"second {second}: {said.get(second)}"
    assert set(said.values()) <= {Coverage.COMPLETE, Coverage.BACKFILLING}


def check_denied(outcome: Outcome) -> None:
    """All that must hold when FilterLogEvents is denied for ever, from some moment on."""
    if outcome.ended:
        check_ended(outcome)
        return
    got = outcome.got()
    invented = got - outcome.wanted()
    assert not invented, f"invented {_few(invented)}"
    check_order(outcome)
    check_figures(outcome)
    check_promises(outcome)
    delivered = _delivered(outcome)
    assert not delivered - got, f"delivered by Live Tail, not given out: {_few(delivered - got)}"
    said = outcome.ledger()
    certain = Counter(event.identity for event in _certain(outcome) if event.timestamp_ms < at_ms(TRAFFIC_S))
    for gone in certain - got:
        coverage = said.get(gone[2] // 1000)
        assert coverage in GONE, f"{gone} was not given out, and its second is {coverage}"
    for second, coverage in said.items():
        if coverage in GONE:
            assert not _followed(outcome, second), f"second {second} is {coverage}, though it was followed"


def check_restarted(outcome: Outcome) -> None:
    """All that must hold over a restart of the core: the second one goes on where the first was."""
    check(outcome)
    asked = [event for event in outcome.asked if event.timestamp_ms >= outcome.asked_ms]
    first = Counter(identity(event) for one in outcome.before for event in one.batch.events)
    assert not first - Counter(event.identity for event in asked), "the first core invented something"
    lost = Counter(event.identity for event in asked if is_certain(outcome, event)) - (first | outcome.got())
    assert outcome.ended or not lost, f"lost over the restart: {_few(lost)}"


def check_ended(outcome: Outcome) -> None:
    """A tail ends by itself only if it could never read, and may not."""
    assert outcome.pages == 0, "a tail that could read ended"
    assert "access denied" in str(outcome.given[-1].batch.trouble)


def check_order(outcome: Outcome) -> None:
    """By time, then ingestion; what lies behind something shown is marked late, and nothing else is."""
    shown_ms = 0
    for one in outcome.given:
        before = (0, 0)
        for event in one.batch.events:
            assert event.late is (event.timestamp_ms < shown_ms), f"{event}, behind {shown_ms}"
            shown_ms = max(shown_ms, event.timestamp_ms)
            if not event.late:
                assert (event.timestamp_ms, event.ingestion_ms) >= before, f"{event}, behind {before}"
                before = (event.timestamp_ms, event.ingestion_ms)


def check_figures(outcome: Outcome) -> None:
    """They count what was given out."""
    figures = outcome.figures
    assert figures is not None
    events = outcome.events
    counted = (figures.events, figures.late, figures.backfilled)
    assert counted == (len(events), sum(e.late for e in events), sum(e.backfilled for e in events))
    assert outcome.before or figures.sessions == len(outcome.sessions)


def check_promises(outcome: Outcome) -> None:
    """When a second is called complete, what could be read of it in time has been given out."""
    due: dict[int, Counter[Identity]] = {}
    for event in _certain(outcome):
        due.setdefault(event.timestamp_ms // 1000, Counter())[event.identity] += 1
    got: Counter[Identity] = Counter()
    for moment_ms, batches in groupby(
        outcome.given, key=lambda one: one.at_ms
    ):  # a viewer takes what is there in parts
        together = list(batches)
        got.update(identity(event) for one in together for event in one.batch.events)
        for second, coverage in folded(span for one in together for span in one.batch.spans).items():
            broken = due.get(second, Counter()) - got if coverage is Coverage.COMPLETE else None
            assert not broken, f"second {second} was called complete at {moment_ms} without {_few(broken)}"


def _certain(outcome: Outcome) -> list[Event]:
    """Those held that ``is_certain`` names."""
    return [event for event in outcome.held if is_certain(outcome, event)]


def is_certain(outcome: Outcome, event: Event) -> bool:
    """Whether an event could be read, and was delivered live if at all, before its second was settled."""
    readable = event.visible_ms <= event.timestamp_ms + SETTLE_MS - MARGIN_MS
    polled = outcome.schedule.mode is TailMode.POLL
    return readable and (polled or _in_time(event.live_ms, event.timestamp_ms))


def _in_time(live_ms: int | None, timestamp_ms: int) -> bool:
    """Whether a session that runs at an event's own time brings it before its second is settled."""
    return live_ms is not None and -MARGIN_MS <= live_ms - timestamp_ms <= SETTLE_MS - MARGIN_MS


def _delivered(outcome: Outcome) -> Counter[Identity]:
    """What sessions brought of what was asked for: the most that one of them did of each."""
    found: Counter[Identity] = Counter()
    for session in outcome.sessions:
        found |= Counter(event.identity for event in session.delivered if event.timestamp_ms >= outcome.begin_ms)
    return found


def _followed(outcome: Outcome, second: int) -> bool:
    """Whether sessions of all groups ran over a second and what belongs to it, without a sample and without a pause."""
    start_ms, until_ms = second * 1000 - MARGIN_MS, (second + 1) * 1000 + SETTLE_MS + MARGIN_MS
    healthy = [session for session in outcome.sessions if _healthy(session, start_ms, until_ms, outcome.end_ms)]
    return {group for session in healthy for group in session.groups} == set(outcome.schedule.names)


def _healthy(session: Session, start_ms: int, until_ms: int, end_ms: int) -> bool:
    if session.started_ms > start_ms or (end_ms if session.ended_ms is None else session.ended_ms) < until_ms:
        return False
    around = [(at_ms, sampled) for at_ms, sampled in session.updates if start_ms - 2_000 <= at_ms <= until_ms + 2_000]
    times = [start_ms, *(at_ms for at_ms, _ in around)]
    steady = times[-1] >= until_ms and all(later - earlier < 2_500 for earlier, later in pairwise(times))
    return steady and not any(sampled for _, sampled in around)


def _few(events: Counter[Identity]) -> str:
    return f"{events.total()} such as {next(iter(events))}"

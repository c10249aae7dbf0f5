"""``GET /metrics``: the desk's figures in Prometheus' text format 0.0.4. Numbers only: no service, no title, no name.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from jinkies import __version__
from jinkies.events import Snapshot
from jinkies.model import PartState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Samples = Iterable[tuple[Mapping[str, str], float]]


def render(snapshot: Snapshot, answers: Mapping[int, int]) -> str:
    """All samples.

    Args:
        snapshot: of the desk.
        answers: how many requests of senders were answered with which status since the start.
    """
    counts: dict[str, int] = msgspec.structs.asdict(snapshot.counts)
    critical = counts.pop("critical")
    waiting = sum(not delivery.in_step for delivery in snapshot.deliveries)
    families: tuple[tuple[str, str, str, _Samples], ...] = (
        ("jinkies_info", "gauge", "What runs.", [({"version": __version__}, 1)]),
        ("jinkies_alerts", "gauge", "Alerts by state.", [({"state": state}, n) for state, n in counts.items()]),
        ("jinkies_alerts_unresolved_critical", "gauge", "Unresolved critical alerts.", [({}, critical)]),
        ("jinkies_journal_position", "counter", "The newest journal entry.", [({}, snapshot.position.seq)]),
        ("jinkies_deliveries_waiting", "gauge", "Cards that Discord does not show yet, to 2000.", [({}, waiting)]),
        ("jinkies_tails", "gauge", "Log tails that run.", [({}, len(snapshot.tails))]),
        ("jinkies_silences", "gauge", "Silences that run or are to come.", [({}, len(snapshot.silences))]),
        (
            "jinkies_secrets_cut_total",
            "counter",
            "Secrets that were cut from what was taken in, by kind.",
            [({"kind": kind}, cut) for kind, cut in snapshot.secrets.items()],
        ),
        (
            "jinkies_part_up",
            "gauge",
            "Whether a part works; parts that are not set up are left out.",
            [
                ({"part": health.part}, float(health.state is PartState.OK))
                for health in snapshot.health
                if health.state is not PartState.UNCONFIGURED
            ],
        ),
        (
            "jinkies_ingest_requests_total",
            "counter",
            "Requests of senders by the status of their answer.",
            [({"status": str(status)}, n) for status, n in sorted(answers.items())],
        ),
    )
    return "".join(_family(*family) for family in families)


def _family(name: str, kind: str, words: str, samples: _Samples) -> str:
    lines = [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{shown}}} {value:.0f}" if shown else f"{name} {value:.0f}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Webhooks of Alertmanager and of Grafana's alerting, whose body is a superset of it.

Where the formats come from: Prometheus, "Alerting: Configuration", ``<webhook_config>`` (version "4"); Grafana,
"Configure the webhook notifier for Alerting" (version "1"). Both tell a group of alerts again whenever it changes, and
each ``repeat_interval``: an alert that fires since the same ``startsAt`` is told again, not another occurrence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import partial
from typing import Literal

import msgspec

from jinkies.commands import ReportOccurrence, ReportRecovery
from jinkies.ingest import ways
from jinkies.ingest.fields import as_text, context_of, occurred_at_ms, short
from jinkies.ingest.hook_json import read, tags_of, web_link
from jinkies.ingest.many import answer_many, answer_retried, commands
from jinkies.ingest.refusals import BadField
from jinkies.ingest.text import clean, cut_end
from jinkies.ingest.ways import Incoming, Way
from jinkies.model import Severity

VERSIONS = ("4", "1")  # Alertmanager's, Grafana's
MAX_MESSAGE = 10_000

_SERVICE = ("service", "service_name", "job", "app", "app_kubernetes_io_name", "namespace")
_ENVIRONMENT = ("environment", "env", "cluster")
_SEVERITY = ("severity", "priority", "level")
_SEVERITIES = {
    Severity.CRITICAL: "critical crit page emergency emerg disaster fatal alert p0 p1 sev0 sev1 blocker",
    Severity.ERROR: "error err high major p2 sev2 average",
    Severity.WARNING: "warning warn medium minor moderate p3 sev3",
    Severity.INFO: "info information informational notice low none debug ok p4 p5 sev4 sev5",
}
_BY_WORD = {word: severity for severity, words in _SEVERITIES.items() for word in words.split()}
_FINGERPRINT = re.compile(r"[A-Za-z0-9_\-]{1,64}")


class Firing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alert of a notification."""

    status: Literal["firing", "resolved"]
    labels: dict[str, object]
    annotations: dict[str, object] | None = None
    starts_at: str
    ends_at: str | None = None
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)
    fingerprint: str | None = None
    # Grafana's own
    silence_url: str | None = msgspec.field(name="silenceURL", default=None)
    dashboard_url: str | None = msgspec.field(name="dashboardURL", default=None)
    panel_url: str | None = msgspec.field(name="panelURL", default=None)
    values: dict[str, object] | None = None
    value_string: str | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a webhook."""

    version: str
    alerts: list[Firing]
    truncated_alerts: int | None = None  # how many more there are (``max_alerts`` of the receiver)


_DECODER = msgspec.json.Decoder(Notification)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was understood."""

    items: tuple[ReportOccurrence | ReportRecovery, ...]  # in the order sent; may be empty
    truncated: int = 0  # alerts of the group that the sender left out


def parse(body: bytes, *, now_ms: int, source: str = "alertmanager") -> Told:
    """Read a notification.

    Args:
        body: bounded JSON.
        now_ms: against which times are checked.
        source: "alertmanager" or "grafana": two of them may use the same fingerprints.

    Raises:
        MalformedJson: not JSON.
        BadField: another shape or version, or a time that is none.
    """
    told = read(body, _DECODER)
    if told.version not in VERSIONS:
        raise BadField("version", f'expected "4" (Alertmanager) or "1" (Grafana), got {short(told.version, 40)!a}')
    items = tuple(_item(alert, f"alerts[{at}]", now_ms, source) for at, alert in enumerate(told.alerts))
    return Told(items=items, truncated=max(0, told.truncated_alerts or 0))


def severity_named(word: str) -> Severity | None:
    """What people write in a ``severity`` label; None for another word."""
    return _BY_WORD.get(word.strip().lower())


def _item(alert: Firing, path: str, now_ms: int, source: str) -> ReportOccurrence | ReportRecovery:
    labels = tags_of(alert.labels)
    service = short(_first(labels, _SERVICE) or labels.get("alertname"), 200) or source
    environment = short(_first(labels, _ENVIRONMENT), 100)
    fingerprint = f"{source}:{_fingerprint(alert, labels)}"
    started_ms = occurred_at_ms(f"{path}.startsAt", alert.starts_at, now_ms=now_ms)
    if alert.status == "resolved":
        return ReportRecovery(
            service=service,
            fingerprint=fingerprint,
            environment=environment,
            reason=f"{source} says so",
            occurred_at_ms=_ended(alert, started_ms, now_ms),
        )
    if started_ms is None:
        raise BadField(f"{path}.startsAt", "is required")
    return ReportOccurrence(
        service=service,
        message=_message(alert, labels, source),
        environment=environment,
        instance_id=short(labels.get("instance") or labels.get("pod"), 256),
        severity=_severity(labels),
        context=_context(alert),
        occurred_at_ms=started_ms,
        fingerprint=fingerprint,
        tags=labels,
        link=_first_link((alert.panel_url, alert.dashboard_url, alert.generator_url)),
        runbook=web_link(_annotation(alert, "runbook_url") or _annotation(alert, "runbook")),
        ongoing=True,
    )


def _first(labels: dict[str, str], names: Iterable[str]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _first_link(addresses: Iterable[str | None]) -> str | None:
    return next((link for one in addresses if (link := web_link(one))), None)


def _fingerprint(alert: Firing, labels: dict[str, str]) -> str:
    """Both send one since years; before, and where it is no plain word, that of the labels, which is what it is of."""
    if alert.fingerprint and _FINGERPRINT.fullmatch(alert.fingerprint):
        return alert.fingerprint
    return hashlib.sha256(msgspec.json.encode(sorted(labels.items()))).hexdigest()[:32]


def _ended(alert: Firing, started_ms: int | None, now_ms: int) -> int | None:
    """When it ended; None, which is now, where that is Go's zero time or nonsense."""
    try:
        ended_ms = occurred_at_ms("endsAt", alert.ends_at, now_ms=now_ms)
    except BadField:
        return None
    return ended_ms if ended_ms is None or started_ms is None else max(ended_ms, started_ms)


def _severity(labels: dict[str, str]) -> Severity:
    words = (labels[name] for name in _SEVERITY if name in labels)
    return next((severity for word in words if (severity := severity_named(word))), Severity.ERROR)


def _annotation(alert: Firing, name: str) -> str:
    value = (alert.annotations or {}).get(name)
    return "" if value is None else clean(as_text(value)).strip()


def _message(alert: Firing, labels: dict[str, str], source: str) -> str:
    """The rule's name and its summary on the first line, which becomes the title, then the rest."""
    name = labels.get("alertname", "")
    texts = [text for key in ("summary", "title", "message", "description") if (text := _annotation(alert, key))]
    texts = list(dict.fromkeys(texts))
    first = " ".join(texts[0].split()) if texts else ""
    head = first if not name or name in first else f"{name}: {first}" if first else name
    rest = texts[1:] if texts and first == texts[0] else texts
    return cut_end("\n\n".join([head or f"an alert of {source}", *rest]), MAX_MESSAGE)


def _context(alert: Firing) -> dict[str, str]:
    """Values, other annotations and addresses, as far as there are any."""
    told: dict[str, object] = {}
    if alert.values:
        told["values"] = alert.values
    elif alert.value_string:
        told["values"] = alert.value_string
    used = {"summary", "title", "message", "description"}
    told |= {name: value for name, value in (alert.annotations or {}).items() if name not in used}
    addresses = {"dashboard": alert.dashboard_url, "silence": alert.silence_url, "rule": alert.generator_url}
    told |= {name: link for name, address in addresses.items() if (link := web_link(address))}
    return context_of({name: value for name, value in told.items() if value not in (None, "")})


def _parse(incoming: Incoming, source: str) -> ways.Parsed:
    told = parse(incoming.body, now_ms=incoming.now_ms, source=source)
    note = f"{told.truncated} more alerts were left out by the sender (its max_alerts)" if told.truncated else ""
    reports = commands(told.items)
    return ways.Parsed(
        command=reports[0] if reports else None,
        more=tuple(ways.Part(command=one) for one in reports[1:]),
        answer=partial(answer_many, note=note),
    )


ALERTMANAGER = Way(path="/alertmanager", parse=partial(_parse, source="alertmanager"), answer_error=answer_retried)
GRAFANA = Way(path="/grafana", parse=partial(_parse, source="grafana"), answer_error=answer_retried)

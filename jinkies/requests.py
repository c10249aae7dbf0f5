"""Commands on their way through the writer: who asked, under which key, and what was prepared before."""

from __future__ import annotations

import hashlib

import msgspec

from jinkies.commands import (
    AnyCommand,
    Bulk,
    CatchUp,
    Expire,
    Merge,
    PauseChannelTail,
    RecordChannelTail,
    ReportOccurrence,
    ReportRecovery,
    StartChannelTail,
    StopChannelTail,
    Tick,
)
from jinkies.errors import Invalid
from jinkies.fingerprint import culprit, title
from jinkies.lifecycle import Opening
from jinkies.model import Actor, AlertRow, Grouping, Occurrence
from jinkies.names import name_parts, tag_lines
from jinkies.store.changes import StoredAlert, Wanted

KEY_LIMIT = 200  # characters of an idempotency key


class Prepared(msgspec.Struct, frozen=True, kw_only=True, tag="occurrence"):
    """An occurrence after redaction, with what was derived from it before the transaction began."""

    command: ReportOccurrence
    fingerprint: str
    grouping: Grouping
    environment: str
    runbook: str | None
    redacted: int = 0  # secrets that were cut from it
    cut: dict[str, int] = {}  # the same, by kind

    def opening(self, alert_id: int) -> Opening:
        """What the alert that it opens is made of besides the occurrence."""
        return Opening(
            alert_id=alert_id,
            environment=self.environment,
            title=title(self.command),
            culprit=culprit(self.command.stack_trace, self.command.frames),
            runbook=self.runbook,
            source=self.command.link,
        )

    def stored(self, row: AlertRow) -> StoredAlert:
        """The alert that it opens, as the store takes it."""
        command = self.command
        names = name_parts((command.message, command.exception_type or "", command.stack_trace or ""))
        return StoredAlert(row=row, fingerprint=self.fingerprint, names=names, tags=tag_lines(command.tags))

    def occurrence(self, at_ms: int, *, first: bool) -> Occurrence:
        """What is kept of it; of an alert's first, why it is that alert."""
        command = self.command
        return Occurrence(
            occurred_at_ms=at_ms,
            message=command.message,
            stack_trace=command.stack_trace,
            request_path=command.request_path,
            instance_id=command.instance_id,
            commit_sha=command.commit_sha,
            related_logs=command.related_logs,
            context=command.context,
            release=command.release,
            grouping=self.grouping if first else None,
            tags=command.tags,
            redacted=self.redacted,
        )


class PreparedRecovery(msgspec.Struct, frozen=True, kw_only=True, tag="recovery"):
    """A recovery after redaction."""

    command: ReportRecovery
    fingerprint: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way through the writer."""

    command: AnyCommand
    actor: Actor
    prepared: tuple[Prepared | PreparedRecovery, ...] = ()  # of Report and its items, and of AdvanceWatch
    key: str | None = None
    digest: bytes = b""  # SHA-256 of the command as it was asked, for the key

    @property
    def sender(self) -> str:
        """Whose namespace of idempotency keys this is."""
        return f"{self.actor.kind}:{self.actor.id}"


def check_key(key: str | None) -> None:
    """Raise ``Invalid`` unless it can be an idempotency key."""
    if key is not None and not 1 <= len(key) <= KEY_LIMIT:
        raise Invalid(f"key: {len(key)} characters; 1 to {KEY_LIMIT}")
    if key is not None and not key.isprintable():
        raise Invalid("key: printable characters only")


def digest(command: AnyCommand) -> bytes:
    """What makes two commands the same one."""
    return hashlib.sha256(msgspec.json.encode(command)).digest()


def wanted_of(requests: list[Request], now_ms: int) -> Wanted:
    """What a transaction of these has to load."""
    wanted = Wanted(now_ms=now_ms)
    for request in requests:
        if request.key is not None:
            wanted.keys.add((request.sender, request.key))
        wanted.fingerprints.update(prepared.fingerprint for prepared in request.prepared)
        alert_id = getattr(request.command, "alert_id", None)
        if isinstance(alert_id, int):
            wanted.alert_ids.add(alert_id)
        match request.command:
            case CatchUp(missed=missed):
                wanted.alert_ids.update(missed_id for missed_id, _ in missed)
            case StartChannelTail() | PauseChannelTail() | StopChannelTail() | RecordChannelTail():
                wanted.channel_tails = True
            case Merge(into=into):
                wanted.alert_ids.add(into)
            case Bulk(items=items):
                wanted.alert_ids.update(item.alert_id for item in items)
            case Tick(limit=limit):
                wanted.due_before_ms, wanted.due_limit = now_ms, limit
            case Expire(before_ms=before_ms, limit=limit, compact_before_ms=compact_before_ms):
                wanted.expire_before_ms, wanted.expire_limit = before_ms, limit
                wanted.compact_before_ms = compact_before_ms
            case _:
                pass
    return wanted

"""Secrets out of everything that is stored: reports, and what people write on alerts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from jinkies.commands import (
    Acknowledge,
    AnyCommand,
    Assign,
    Bulk,
    Comment,
    CreateIssue,
    CreatePullRequest,
    Merge,
    RecordDelivery,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
    Reopen,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    Snooze,
    Split,
    StartSilence,
)
from jinkies.errors import Invalid
from jinkies.frames import Frame
from jinkies.model import Grouping, LogLine
from jinkies.redact.cards import is_id
from jinkies.redact.engine import DEFAULT, Redactor
from jinkies.redact.marks import MARK
from jinkies.redact.private_keys import ARMOUR, KEY_LINE

_SEPARATOR = "\n\0\n"  # no word, no blank: nothing that spans two texts looks like one
_TEXT_FIELDS = (
    "service", "message", "message_template", "exception_type", "stack_trace", "request_path", "environment",
    "instance_id", "commit_sha", "release", "link", "runbook",
)  # fmt: skip


def redact_occurrence(command: ReportOccurrence, redactor: Redactor = DEFAULT) -> ReportOccurrence:
    """The command with every text in it redacted, the sender's fingerprint apart: that is hashed as it is.

    Nearly every report holds no secret, and has dozens of short texts: one look at all of them together tells.
    """
    return command if is_clean_report(command, redactor) else redact_each(command, redactor)


def secrets_cut(before: ReportOccurrence, after: ReportOccurrence) -> int:
    """How many secrets were cut from a report; a key that was logged line by line is one."""
    if before is after:
        return 0
    return max(0, _marks(after) - _marks(before))


def redact_recovery(command: ReportRecovery, redactor: Redactor = DEFAULT) -> ReportRecovery:
    """The command with its texts redacted, the fingerprint apart."""
    return msgspec.structs.replace(
        command, service=redactor.text(command.service), reason=redactor.text(command.reason)
    )


def redact_grouping(grouping: Grouping, redactor: Redactor = DEFAULT) -> Grouping:
    """As it is kept, for people: a sender's own fingerprint may hold anything."""
    parts = tuple(redactor.text(part) for part in grouping.parts)
    return msgspec.structs.replace(grouping, parts=parts, refined_by=redactor.text(grouping.refined_by))


def redact_command(command: AnyCommand, redactor: Redactor = DEFAULT) -> AnyCommand:
    """What people and the core's own workers write: notes, comments, reasons, titles, errors.

    Reports are not among them: see ``redact_occurrence``. Raises ``Invalid`` for a silence whose matchers hold a
    secret: no alert would match it, since what alerts hold is redacted.
    """
    text = redactor.text
    match command:
        case Acknowledge() | Resolve() | Reopen() | Snooze() | Merge() | Split() if command.note:
            return msgspec.structs.replace(command, note=text(command.note))
        case Assign():
            return msgspec.structs.replace(command, to=text(command.to), note=text(command.note))
        case Comment():
            return msgspec.structs.replace(command, text=text(command.text))
        case Bulk(items=items):
            clean = tuple(redact_command(item, redactor) for item in items)
            return msgspec.structs.replace(command, items=clean)
        case StartSilence(matchers=matchers):
            for index, matcher in enumerate(matchers):
                if redactor.shapes(matcher.value) != matcher.value:
                    raise Invalid(f"matchers[{index}]: holds what looks like a secret; in alerts {MARK} stands for it")
            return msgspec.structs.replace(command, reason=text(command.reason))
        case CreatePullRequest() | CreateIssue():
            return msgspec.structs.replace(command, title=text(command.title), notes=text(command.notes))
        case RecordPullRequest() | RecordIssue() | RecordDelivery() if command.error:
            return msgspec.structs.replace(command, error=text(command.error))
        case RecordOnGitHub() if command.by:
            return msgspec.structs.replace(command, by=text(command.by))
        case _:
            return command


def is_clean_report(command: ReportOccurrence, redactor: Redactor) -> bool:
    """Whether no text of it, each by itself, has a secret: joined, they have at least the secrets that each has.

    What a text begins or ends with is the same to a pattern when a line break is there. Keys are apart: their lines are
    told by their neighbours.
    """
    named = (*command.context.items(), *command.tags.items())
    if any(redactor.is_named_secret(key, value) for key, value in named):
        return False
    return _are_clean(_texts(command), redactor)


def _are_clean(texts: Iterable[str], redactor: Redactor) -> bool:
    joined = _SEPARATOR.join(texts)
    return "PRIVATE KEY" not in joined and redactor.is_clean(joined)


def _texts(command: ReportOccurrence) -> list[str]:
    return [
        *(getattr(command, name) or "" for name in _TEXT_FIELDS),
        *(line.message for line in command.related_logs),
        *(text for frame in command.frames for text in (frame.path, frame.function, frame.module, frame.source)),
        *(text for pair in command.context.items() for text in pair),
        *(text for pair in command.tags.items() for text in pair),
    ]


def _marks(command: ReportOccurrence) -> int:
    lines = [line.message for line in command.related_logs]
    repeated = sum(one.endswith(MARK) and other == MARK for one, other in pairwise(lines))
    return sum(text.count(MARK) for text in _texts(command)) - repeated


def redact_each(command: ReportOccurrence, redactor: Redactor = DEFAULT) -> ReportOccurrence:
    """As ``redact_occurrence``, without the look at the whole."""
    texts = {name: redactor.text(text) for name in _TEXT_FIELDS if (text := getattr(command, name))}
    return msgspec.structs.replace(
        command,
        **texts,
        related_logs=_redact_lines(command.related_logs, redactor),
        context=_redact_named(command.context, redactor),
        tags=_redact_named(command.tags, redactor),
        frames=_redact_frames(command.frames, redactor),
    )


def _redact_frames(frames: tuple[Frame, ...], redactor: Redactor) -> tuple[Frame, ...]:
    """All at once first: a secret in a frame is rare, and a trace has dozens of them."""
    if _are_clean((text for one in frames for text in (one.path, one.function, one.module, one.source)), redactor):
        return frames
    return tuple(
        msgspec.structs.replace(
            frame,
            path=redactor.text(frame.path),
            function=redactor.text(frame.function),
            module=redactor.text(frame.module),
            source=redactor.text(frame.source),
        )
        for frame in frames
    )


def _redact_named(values: dict[str, str], redactor: Redactor) -> dict[str, str]:
    if _are_clean((text for pair in values.items() for text in pair), redactor):
        return {name: MARK if redactor.is_named_secret(name, value) else value for name, value in values.items()}
    return {redactor.text(name): _redact_value(name, value, redactor) for name, value in values.items()}


def _redact_value(name: str, value: str, redactor: Redactor) -> str:
    """``additional_context`` comes flattened: ``request.cookies.theme`` is a cookie too."""
    if redactor.is_named_secret(name, value):
        return MARK
    return value if is_id(name, value) else redactor.text(value)


def _redact_lines(lines: tuple[LogLine, ...], redactor: Redactor) -> tuple[LogLine, ...]:
    """Each line by itself, and the lines of a private key that was logged line by line."""
    if _are_clean((line.message for line in lines), redactor):
        return lines
    kept: list[LogLine] = []
    in_key = False
    for line in lines:
        marks = [mark[1] for mark in ARMOUR.finditer(line.message)]
        inside = in_key and not marks and KEY_LINE.fullmatch(line.message) is not None
        in_key = marks[-1] == "BEGIN" if marks else inside
        message = MARK if inside else redactor.text(line.message)
        kept.append(msgspec.structs.replace(line, message=message))
    return tuple(kept)

"""An alert's detail as lines: fields, stack, logs around it, timeline, what Discord shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jinkies.cards import MARKS, cut_text, digest_title, status_text
from jinkies.matching import Silence
from jinkies.model import (
    RESTORED,
    AlertDetail,
    AlertRow,
    Delivery,
    DeliveryState,
    EntryKind,
    Issue,
    Level,
    Link,
    LinkKind,
    LogEvent,
    LogLine,
    OnGitHub,
    PullRequest,
    TimelineEntry,
    What,
    WorkState,
)
from jinkies.priority import priority
from tui import theme
from tui.draw import Line, Part, line, rule, width_of, wrapped
from tui.format import clean, clean_lines, clock_text, cut, fit, moment_text, short_count
from tui.levels import level_end, level_word
from tui.stack import Frame, Words, counts, parse_stack

_CALLS = 3  # the newest
_LOGS_SHOWN = 40
_INDENT = "  "
_COMMENT_LINES = 4  # of a folded comment
_LIBRARY_LINES = 3  # most lines of code that a library's frame shows when unfolded


@dataclass(frozen=True)
class LogsAround:
    """The log lines around an alert, as far as they are known."""

    events: tuple[LogEvent, ...] = ()
    words: str = ""  # why there are none: still asking, what to set, what CloudWatch said
    trouble: bool = False


@dataclass(frozen=True)
class Shown:
    """Everything that the detail shows."""

    row: AlertRow
    detail: AlertDetail | None  # None until the core has answered
    deliveries: tuple[Delivery, ...]
    discord_note: str  # why nothing is shown in Discord; "" when something is or will be
    logs: LogsAround
    log_groups: str
    unfolded: bool
    now_ms: int
    parts: tuple[AlertRow, ...] = ()  # what is merged into it
    silence: Silence | None = None  # what holds it


def detail_lines(shown: Shown, width: int) -> list[Line]:
    """All of it, ``width`` cells wide."""
    width = max(width, 20)
    lines = [*_facts(shown, width), *_outside(shown, width)]
    if shown.detail is None and shown.logs.trouble:
        return [*lines, [], *wrapped(clean(shown.logs.words), theme.BAD, width)]
    if shown.detail is None:
        return [*lines, [], line(("asking the core…", theme.FAINT))]
    lines += _message(shown.detail, width)
    lines += _stack(shown.detail, width, unfolded=shown.unfolded)
    lines += _logs(shown, shown.detail, width)
    lines += _parts(shown, width)
    lines += _timeline(shown.detail, width, shown.now_ms, unfolded=shown.unfolded)
    return lines + _context(shown.detail, width)


def _facts(shown: Shown, width: int) -> list[Line]:
    row = shown.row
    first = moment_text(row.first_seen_at_ms, shown.now_ms)
    last = moment_text(row.last_seen_at_ms, shown.now_ms)
    facts: list[Part] = [
        (f"{MARKS[row.severity]} {row.severity.value}", theme.SEVERITY[row.severity]),
        (clean(status_text(row)), theme.STATE[row.state]),
        (f"×{short_count(row.count)}", theme.STRONG),
    ]
    lines = [*_flow(facts, width), *_flow([(f"first {first}", theme.MUTED), (f"last {last}", theme.MUTED)], width)]
    soon = priority(row, shown.now_ms)
    words: list[Part] = [(f"{soon.level.word} priority", theme.PRIORITY_WORD[soon.level])]
    words += [(part, theme.MUTED) for part in soon.reason.split(" · ")]
    lines += _flow(words, width, gap=" · ")
    latest = shown.detail.latest if shown.detail is not None else None
    where: list[Part] = [(clean(row.request_path or ""), theme.TEXT)]
    if latest is not None:
        where.append((clean(latest.instance_id or ""), theme.MUTED))
        where.append((f"commit {clean(latest.commit_sha)[:12]}" if latest.commit_sha else "", theme.MUTED))
        where.append((cut_text(latest.redacted), theme.MUTED))
    lines += _flow([part for part in where if part[0]], width)
    if row.culprit:
        lines += _flow([("in", theme.MUTED), (clean(row.culprit), theme.TEXT)], width, gap=" ")
    return lines


def _flow(parts: list[Part], width: int, gap: str = "   ") -> list[Line]:
    """Facts beside each other, on as many lines as they need."""
    lines: list[Line] = []
    current: list[Part] = []
    for text, style in parts:
        piece = (cut(text, width), style)
        if current and width_of(line(*current, (gap, theme.TEXT), piece)) > width:
            lines.append(line(*current))
            current = [piece]
        else:
            current += [(gap, theme.TEXT), piece] if current else [piece]
    return [*lines, line(*current)] if current else lines


def _outside(shown: Shown, width: int) -> list[Line]:
    """Discord, the pull request and links: what stands elsewhere about this alert."""
    lines = [_label("Discord", [(shown.discord_note, theme.FAINT)], width)] if shown.discord_note else []
    told = [one for one in shown.deliveries if one.what is not What.CALL]
    calls = [one for one in shown.deliveries if one.what is What.CALL]
    lines += [_label("Discord", delivery_words(delivery), width) for delivery in (*told, *calls[-_CALLS:])]
    lines.append(_label("PR", _work(shown.row.pull_request), width))
    if shown.row.issue is not None:
        lines.append(_label("Issue", _work(shown.row.issue), width))
    if shown.silence is not None:
        by, words = clean(shown.silence.started_by.name), clean(shown.silence.text)
        parts: list[Part] = [(f"by {by}: {clean(shown.silence.reason)}", theme.TEXT), (f"  {words}", theme.MUTED)]
        lines.append(_label("Silenced", parts, width))
    others = (link for link in shown.row.links if link.kind not in (LinkKind.PULL_REQUEST, LinkKind.ISSUE))
    return lines + [_label(clean(link.label), _link(link), width) for link in others]


def _label(name: str, parts: list[Part], width: int) -> Line:
    kept: list[Part] = [(fit(name, 8) + " ", theme.ACCENT)]
    room = width - 9
    for text, style in parts:
        text = cut(text, room)
        room -= width_of(line((text, style)))
        kept.append((text, style))
    return line(*kept)


def delivery_words(delivery: Delivery) -> list[Part]:
    """How a card, a call or a digest stands: ``● in step  rev 9 of 9``, ``◌ edit waiting``, ``✗ failed: …``."""
    if delivery.digest is not None and delivery.in_step:
        return [("● ", theme.OK), (f"digest: {digest_title(delivery.digest)}", theme.TEXT)]
    if delivery.what is What.CALL and delivery.in_step:
        return _call_words(delivery)
    if delivery.what is What.THREAD and delivery.in_step:
        return [("● ", theme.OK), ("thread: up to date", theme.TEXT)]
    revisions = f"  rev {delivery.shown_revision} of {delivery.wanted_revision}"
    if delivery.state is DeliveryState.DELETED:
        return [("○ ", theme.FAINT), ("deleted there by a person; stays deleted", theme.MUTED)]
    if delivery.state is DeliveryState.DIGESTED:
        words = f"told among others, in {delivery.told_in}"
        if delivery.told_in == RESTORED:
            words = "no card when the backup was made that was restored"
        return [("○ ", theme.FAINT), (words, theme.MUTED)]
    if delivery.state is DeliveryState.FAILED:
        return [("✗ ", theme.BAD), (f"failed: {clean(delivery.error or 'unknown reason')}", theme.BAD)]
    if delivery.in_step:
        return [("● ", theme.OK), ("in step", theme.TEXT), (revisions, theme.MUTED)]
    if delivery.state is DeliveryState.PENDING and not delivery.shown_revision:
        waiting = "call" if delivery.what is What.CALL else "post"
        return [("◌ ", theme.WARN), (f"{waiting} waiting", theme.WARN)]
    return [("◌ ", theme.WARN), ("edit waiting", theme.WARN), (revisions, theme.MUTED)]


def _call_words(delivery: Delivery) -> list[Part]:
    if delivery.state is DeliveryState.DIGESTED:
        return [("○ ", theme.FAINT), ("not called: these were, again and again within the minute", theme.MUTED)]
    return [("● ", theme.OK), (f"called {', '.join(delivery.mentions)}", theme.TEXT)]


def _work(request: PullRequest | Issue | None) -> list[Part]:
    if request is None:
        return [("–", theme.FAINT)]
    if request.state is WorkState.REQUESTED:
        return [("◌ ", theme.WARN), (f"requested by {clean(request.requested_by.name)}, on its way", theme.WARN)]
    if request.state is WorkState.FAILED:
        return [("✗ ", theme.BAD), (f"failed: {clean(request.error or 'unknown reason')}", theme.BAD)]
    number = f"#{request.number} " if request.number else ""
    mark, state = on_github_words(request.on_github)
    return [mark, (number, theme.STRONG), *state, (clean(request.url or ""), theme.LINK)]


def on_github_words(on_github: OnGitHub | None) -> tuple[Part, list[Part]]:
    """The mark and the words of how a pull request or an issue stands there; no words where nobody knows."""
    if on_github is None:
        return ("● ", theme.OK), []
    if on_github.is_open:
        return ("● ", theme.OK), [(f"{on_github.text}  ", theme.OK)]
    good = on_github in (OnGitHub.MERGED, OnGitHub.COMPLETED)
    return ("✓ ", theme.OK) if good else ("○ ", theme.FAINT), [(f"{on_github.text}  ", theme.MUTED)]


def _link(link: Link) -> list[Part]:
    return [(clean(link.url), theme.LINK)]


def _message(detail: AlertDetail, width: int) -> list[Line]:
    message = detail.latest.message
    if message.strip() == detail.row.title.strip():
        return []
    lines: list[Line] = [[]]
    for text in clean_lines(message, 20):
        lines += wrapped(text, theme.TEXT, width)
    return lines


def _stack(detail: AlertDetail, width: int, *, unfolded: bool) -> list[Line]:
    trace = detail.latest.stack_trace
    if not trace or not trace.strip():
        return []
    parts = parse_stack(trace)
    in_app, frames = counts(parts)
    title = f"Stack ─ {in_app} of {frames} in app" if frames else "Stack"
    hint = "" if in_app == frames else ("f fold" if unfolded else "f unfold")
    lines: list[Line] = [[], rule(title, hint, width)]
    hidden = 0
    for part in parts:
        if isinstance(part, Frame) and not part.in_app and not unfolded and in_app:
            hidden += 1
            continue
        lines += _folded(hidden)
        hidden = 0
        lines += _frame(part, width) if isinstance(part, Frame) else _stack_words(part, width)
    return lines + _folded(hidden)


def _folded(hidden: int) -> list[Line]:
    if not hidden:
        return []
    words = f"  ⋯ {hidden} library frame{'s' if hidden > 1 else ''}"
    return [line((words, theme.FAINT))]


def _frame(frame: Frame, width: int) -> list[Line]:
    where_style = theme.TEXT if frame.in_app else theme.FAINT
    name = clean(frame.name)
    where = cut(clean(frame.where), max(width - len(name) - 5, 12))
    lines = [line(("  ", where_style), (where, where_style), ("  " + cut(name, width - 6), theme.MUTED))]
    for code in frame.code if frame.in_app else frame.code[:_LIBRARY_LINES]:
        mark = ("❱ ", theme.ACCENT) if frame.in_app else ("  ", theme.FAINT)
        style = theme.STRONG if frame.in_app else theme.FAINT
        lines.append(line(mark, ("  " + cut(clean(code), width - 4), style)))
    return lines


def _stack_words(words: Words, width: int) -> list[Line]:
    text = clean(words.text)
    quiet = text.startswith(("Traceback", "The above", "During handling"))
    return wrapped(text, theme.FAINT if quiet else theme.SEVERITY_CRITICAL, width)


def _logs(shown: Shown, detail: AlertDetail, width: int) -> list[Line]:
    lines: list[Line] = []
    if detail.latest.related_logs:
        lines += [[], rule("Logs sent with it", "", width)]
        lines += [_log_line(kept, width) for kept in detail.latest.related_logs[-_LOGS_SHOWN:]]
    title = f"Logs around it ─ {clean(shown.log_groups)}" if shown.log_groups else "Logs around it"
    lines += [[], rule(title, "l follow" if shown.log_groups else "", width)]
    if shown.logs.events:
        return lines + [_event_line(event, width) for event in shown.logs.events[-_LOGS_SHOWN:]]
    style = theme.BAD if shown.logs.trouble else theme.MUTED
    return lines + wrapped(clean(shown.logs.words or "none"), style, width)


def _log_line(kept: LogLine, width: int) -> Line:
    stamp = clock_text(kept.at_ms, millis=True) + " " if kept.at_ms is not None else ""
    return line((stamp, theme.FAINT), (cut(clean(kept.message), width - len(stamp)), theme.TEXT))


def _event_line(event: LogEvent, width: int) -> Line:
    stamp = clock_text(event.timestamp_ms, millis=True) + " "
    word = fit(level_word(event.level), 5) + " "
    first = event.message.split("\n", 1)[0]
    first = first[level_end(first, event.level) :]
    bad = event.level.rank >= Level.ERROR.rank
    return line(
        (stamp, theme.FAINT),
        (word, theme.LEVEL[event.level]),
        (cut(clean(first), width - len(stamp) - len(word)), theme.STRONG if bad else theme.TEXT),
    )


def _parts(shown: Shown, width: int) -> list[Line]:
    """What is merged into it."""
    if not shown.row.parts:
        return []
    known = {part.alert_id: part for part in shown.parts}
    lines: list[Line] = [[], rule(f"Merged into this ─ {len(shown.row.parts)}", "Z split off", width)]
    for alert_id in reversed(shown.row.parts):
        part, number = known.get(alert_id), f"#{alert_id} "
        count = f" ×{short_count(part.count)}" if part is not None else ""
        title = cut(clean(part.title), width - len(number) - len(count)) if part is not None else ""
        lines.append(line((number, theme.MUTED), (title, theme.TEXT), (count, theme.MUTED)))
    return lines


def _timeline(detail: AlertDetail, width: int, now_ms: int, *, unfolded: bool) -> list[Line]:
    lines: list[Line] = [[], rule("Timeline", "", width)]
    for entry in reversed(detail.timeline):
        stamp = fit(moment_text(entry.at_ms, now_ms), 13)
        if entry.kind is EntryKind.ALERT_COMMENTED:
            lines += _comment(entry, stamp, width, unfolded=unfolded)
            continue
        actor = "" if entry.actor.name in entry.text else f"  {clean(entry.actor.name)}"
        text = cut(clean(entry.text), width - 13)
        room = width - 13 - width_of(line((text, theme.TEXT)))
        lines.append(line((stamp, theme.FAINT), (text, theme.TEXT), (cut(actor, room), theme.MUTED)))
    return lines


def _comment(entry: TimelineEntry, stamp: str, width: int, *, unfolded: bool) -> list[Line]:
    """Who said it, then all of it; what is long is folded."""
    name = clean(entry.actor.name)
    said = clean_lines(entry.text.removeprefix(f"{entry.actor.name}: "))
    pieces = [piece for text in said for piece in wrapped(text, theme.STRONG, width, _INDENT)]
    lines = [line((stamp, theme.FAINT), (cut(name, width - 13), theme.ACCENT))]
    if unfolded or len(pieces) <= _COMMENT_LINES + 1:
        return [*lines, *pieces]
    more = f"{_INDENT}⋯ {len(pieces) - _COMMENT_LINES} more lines, f unfold"
    return [*lines, *pieces[:_COMMENT_LINES], line((more, theme.FAINT))]


def _context(detail: AlertDetail, width: int) -> list[Line]:
    if not detail.latest.context:
        return []
    lines: list[Line] = [[], rule("Context", "", width)]
    for name, value in sorted(detail.latest.context.items()):
        label = fit(clean(name), min(24, width // 3)) + " "
        lines.append(line((label, theme.MUTED), (cut(clean(value), width - len(label)), theme.TEXT)))
    return lines

"""What can be done to the alert that is current on a screen: the same keys on Alerts and on Discord."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from jinkies.bulk import done
from jinkies.commands import (
    Acknowledge,
    AnyCommand,
    Assign,
    Bulk,
    Comment,
    Merge,
    Outcome,
    Reopen,
    Resolve,
    Snooze,
    Split,
    Undo,
)
from jinkies.errors import Conflict, JinkiesError
from jinkies.model import AlertRow, LinkKind, State
from tui import snoozing
from tui.format import clean
from tui.outside import has_browser, is_web_address
from tui.screens.base import DeskScreen
from tui.session import Session
from tui.trouble import title_of
from tui.undoing import Offer, made_elsewhere
from tui.work import start

REFUSALS = 5  # that a notification names
ALERT_ACTIONS = frozenset(
    {
        "acknowledge",
        "resolve",
        "reopen",
        "snooze",
        "comment",
        "assign",
        "pull_request",
        "issue",
        "logs",
        "open_link",
        "copy",
    }
)


class AlertActions(DeskScreen):
    """A screen on which one alert is the current one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "undo", "undo", id="alert.undo", tooltip="Take your last decision back, within 30 s"),
        Binding("a", "acknowledge", "ack", id="alert.acknowledge", tooltip="Acknowledge: you are on it"),
        Binding("s", "snooze", "snooze", id="alert.snooze", tooltip="Not now: until a time, or so many more times"),
        Binding("r", "resolve", "resolve", id="alert.resolve", tooltip="Resolve: it is over"),
        Binding(
            "u",
            "reopen",
            "reopen",
            show=False,
            id="alert.reopen",
            tooltip="Take what was decided back: it is open again",
        ),
        Binding("p", "pull_request", "draft PR", id="alert.pull_request", tooltip="Draft a pull request"),
        Binding("i", "issue", "issue", id="alert.issue", tooltip="Open a GitHub issue"),
        Binding("c", "comment", "comment", show=False, id="alert.comment", tooltip="A line in the timeline"),
        Binding("A", "assign", "assign", show=False, id="alert.assign", tooltip="Say who is to look at it"),
        Binding("l", "logs", "logs", id="alert.logs", tooltip="Follow the logs of the alert's service"),
        Binding("o", "open_link", "open", id="alert.open", tooltip="Open its link: pull request, else runbook"),
        Binding("y", "copy", "copy", show=False, id="alert.copy", tooltip="Copy id, title and where it happened"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._offered = False

    @property
    def current(self) -> AlertRow | None:
        """The alert that the keys mean."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """Keys that would do nothing are dimmed."""
        row = self.current
        if action == "undo":
            return self.offer is not None  # False, not None: there is no such key while there is nothing to undo
        if row is None:
            return None if action in ALERT_ACTIONS else True
        possible = {
            "acknowledge": row.state in (State.OPEN, State.SNOOZED),
            "snooze": row.unresolved,
            "resolve": row.unresolved,
            "reopen": row.state is not State.OPEN,
            "open_link": best_link(row) is not None,
        }
        return True if possible.get(action, True) else None

    def action_acknowledge(self) -> None:
        """Somebody is on it: you."""
        if (row := self.current) is not None:
            self.do(Acknowledge(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def action_resolve(self) -> None:
        """It is over."""
        if (row := self.current) is not None:
            self.do(Resolve(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def action_reopen(self) -> None:
        """Take it back."""
        if (row := self.current) is not None:
            self.do(Reopen(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def action_snooze(self) -> None:
        """Not now."""
        if (row := self.current) is not None:
            self.ask_snooze(f"Snooze #{row.alert_id}", partial(self._snooze, row))

    def ask_snooze(self, title: str, then: Callable[[int | None, int | None], None]) -> None:
        """Ask for how long; ``then`` gets the moment, or how many more occurrences."""
        from tui.screens.chooser import ChooserScreen  # not before it is wanted

        def chosen(typed: str | None) -> None:
            if typed is None:
                return
            end = snoozing.parse_end(typed, self.session.now_ms())
            if end is None:
                self.notify(f"{typed[:40]!r} is no time: {snoozing.HINT}", severity="warning", markup=False)
                return
            then(end.until_ms, end.occurrences)

        keys = "⏎ snooze · ↑ ↓ choose · esc back"
        self.app.push_screen(ChooserScreen(title, keys, snoozing.HINT, snoozing.suggestions), chosen)

    def _snooze(self, row: AlertRow, until_ms: int | None, occurrences: int | None) -> None:
        self.do(Snooze(alert_id=row.alert_id, until_ms=until_ms, occurrences=occurrences, seen_rev=row.decision_rev))

    def action_comment(self) -> None:
        """A line in the timeline."""
        from tui.screens.chooser import ChooserScreen  # not before it is wanted

        if (row := self.current) is not None:
            chooser = ChooserScreen(f"Comment on #{row.alert_id}", "⏎ say it · esc back", "what you found", _none)
            self.app.push_screen(chooser, partial(self._comment, row.alert_id))

    def _comment(self, alert_id: int, text: str | None) -> None:
        if text:
            self.do(Comment(alert_id=alert_id, text=text))

    def action_assign(self) -> None:
        """Somebody in particular."""
        from tui.screens.chooser import ChooserScreen  # not before it is wanted

        if (row := self.current) is not None:
            names = sorted({other.assigned_to for other in self.session.rows.values() if other.assigned_to})
            keys = "⏎ assign · ↑ ↓ choose · esc back"
            chooser = ChooserScreen(
                f"Assign #{row.alert_id} to", keys, "a name; - for nobody", partial(_matching, names)
            )
            self.app.push_screen(chooser, partial(self._assign, row))

    def _assign(self, row: AlertRow, name: str | None) -> None:
        if name:
            to = "" if name == "-" else name
            self.do(Assign(alert_id=row.alert_id, to=to, seen_rev=row.decision_rev))

    @property
    def offer(self) -> Offer | None:
        """What ``z`` takes back: the newest decision made here, else one's own on the current alert."""
        now_ms = self.session.now_ms()
        newest = self.session.offers.newest(now_ms)
        if newest is not None or self.current is None:
            return newest
        hello = self.session.replica.hello if self.session.replica is not None else None
        return made_elsewhere(self.current, hello.actor, now_ms) if hello is not None else None

    def action_undo(self) -> None:
        """Take one's last decision back."""
        if (offer := self.offer) is not None:
            self.session.offers.drop(offer)
            self.do(offer.command)

    def key_words(self, binding: Binding) -> str:
        """What the footer says of a key: of undo, what and for how long."""
        offer = self.offer if binding.id == "alert.undo" else None
        return offer.words(self.session.now_ms()) if offer is not None else binding.description

    def tick(self) -> None:
        """The offer runs out."""
        super().tick()
        offered = self.offer is not None
        if offered or self._offered:
            self.refresh_bindings()
        self._offered = offered

    def do(self, command: AnyCommand) -> None:
        """Have it carried out, and say what came of it where that doesn't show by itself."""
        start(self, partial(self._carry_out, command), group="commands")

    async def _carry_out(self, command: AnyCommand) -> None:
        try:
            outcome = await self.session.execute(command)
        except Conflict as error:
            title = "Somebody decided first" if _was_raced(command, error) else "Not done"
            self.notify(clean(str(error)), title=title, severity="warning", markup=False, timeout=8)
        except JinkiesError as error:
            self.tell_error(error, title_of(error))
        else:
            self._carried_out(command, outcome)

    def _carried_out(self, command: AnyCommand, outcome: Outcome) -> None:
        self.session.offers.note(command, outcome, self.session.now_ms())
        self.refresh_bindings()
        if isinstance(command, Bulk):
            self.bulk_done(outcome)
        elif not outcome.changed:
            self.notify(clean(outcome.reason) or "It was so already.", markup=False)
        elif isinstance(command, Merge | Split):
            self.notify(clean(f"#{command.alert_id}: {outcome.reason}"), markup=False)

    def bulk_done(self, outcome: Outcome) -> None:
        """What came of a decision on many."""
        result = done(outcome)
        words = [clean(reason) for _, reason in result.refused[:REFUSALS]]
        rest = len(result.refused) - len(words)
        self.notify(
            "\n".join([*words, *([f"and {rest:,} more"] if rest > 0 else [])]) or "all of them",
            title=result.words,
            severity="warning" if words else "information",
            markup=False,
            timeout=10 if words else 4,
        )

    def action_pull_request(self) -> None:
        """The form, or how far the request is."""
        from tui.screens.pull_request import PullRequestScreen  # not before it is wanted

        if (row := self.current) is not None:
            self.app.push_screen(PullRequestScreen(self.session, row))

    def action_issue(self) -> None:
        """The form, or how far the request is."""
        from tui.screens.issue import IssueScreen  # not before it is wanted

        if (row := self.current) is not None:
            self.app.push_screen(IssueScreen(self.session, row))

    async def action_logs(self) -> None:
        """Follow the service's logs."""
        if (row := self.current) is not None:
            await self.app.run_action(f"app.follow({row.service!r})")

    def action_open_link(self) -> None:
        """In the browser; without one the address goes to the clipboard."""
        url = best_link(self.current) if self.current is not None else None
        if url is None:
            return
        if has_browser():
            self.app.open_url(url)
            return
        self.app.copy_to_clipboard(url)
        self.notify(url, title="No browser here: address copied", markup=False)

    def action_copy(self) -> None:
        """A line for a chat."""
        if (row := self.current) is not None:
            where = f" in {row.culprit}" if row.culprit else ""
            text = f"#{row.alert_id} {row.title}{where} ({row.service}, {row.environment}, ×{row.count})"
            self.app.copy_to_clipboard(text)
            self.notify(clean(text), title="Copied", markup=False)


def _was_raced(command: AnyCommand, conflict: Conflict) -> bool:
    """Whether another decision came first; what is merged or split may not fit by itself."""
    decided = isinstance(command, Acknowledge | Resolve | Reopen | Snooze | Assign | Undo)
    return decided or str(conflict).startswith("somebody was faster")


def _none(_typed: str) -> list[tuple[str, str]]:
    return []


def _matching(names: list[str], typed: str) -> list[tuple[str, str]]:
    return [(name, "") for name in names if name.casefold().startswith(typed.strip().casefold())]


def best_link(row: AlertRow) -> str | None:
    """The pull request's address, else the first other link; only http(s)."""
    request = row.pull_request.url if row.pull_request is not None else None
    links = sorted(row.links, key=lambda link: link.kind is not LinkKind.PULL_REQUEST)
    for url in (request, *(link.url for link in links)):
        if url and is_web_address(url):
            return url
    return None

"""What can be done to the alert that is current on a screen: the same keys on Alerts and on Discord."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from jinkies.commands import Acknowledge, AnyCommand, Reopen, Resolve
from jinkies.errors import Conflict, JinkiesError
from jinkies.model import AlertRow, LinkKind, State
from tui.format import clean
from tui.outside import has_browser, is_web_address
from tui.screens.base import DeskScreen
from tui.trouble import title_of
from tui.work import start


class AlertActions(DeskScreen):
    """A screen on which one alert is the current one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", "ack", id="alert.acknowledge", tooltip="Acknowledge: you are on it"),
        Binding("r", "resolve", "resolve", id="alert.resolve", tooltip="Resolve: it is over"),
        Binding("u", "reopen", "reopen", id="alert.reopen", tooltip="Take the acknowledgement or resolution back"),
        Binding("p", "pull_request", "draft PR", id="alert.pull_request", tooltip="Draft a pull request"),
        Binding("l", "logs", "logs", id="alert.logs", tooltip="Follow the logs of the alert's service"),
        Binding("o", "open_link", "open", id="alert.open", tooltip="Open its link: pull request, else runbook"),
        Binding("y", "copy", "copy", show=False, id="alert.copy", tooltip="Copy id, title and where it happened"),
    ]

    @property
    def current(self) -> AlertRow | None:
        """The alert that the keys mean."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """Keys that would do nothing are dimmed."""
        row = self.current
        if action in {"acknowledge", "resolve", "reopen", "pull_request", "logs", "open_link", "copy"} and row is None:
            return None
        if row is None:
            return True
        possible = {
            "acknowledge": row.state is State.OPEN,
            "resolve": row.unresolved,
            "reopen": row.state is not State.OPEN,
            "open_link": best_link(row) is not None,
        }
        return True if possible.get(action, True) else None

    def action_acknowledge(self) -> None:
        """Somebody is on it: you."""
        if (row := self.current) is not None:
            self._do(Acknowledge(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def action_resolve(self) -> None:
        """It is over."""
        if (row := self.current) is not None:
            self._do(Resolve(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def action_reopen(self) -> None:
        """Take it back."""
        if (row := self.current) is not None:
            self._do(Reopen(alert_id=row.alert_id, seen_rev=row.decision_rev))

    def _do(self, command: AnyCommand) -> None:
        start(self, partial(self._carry_out, command), group="commands")

    async def _carry_out(self, command: AnyCommand) -> None:
        try:
            outcome = await self.session.execute(command)
        except Conflict as error:
            title = "Somebody decided first"
            self.notify(clean(str(error)), title=title, severity="warning", markup=False, timeout=8)
        except JinkiesError as error:
            self.tell_error(error, title_of(error))
        else:
            if not outcome.changed:
                self.notify(clean(outcome.reason) or "It was so already.", markup=False)

    def action_pull_request(self) -> None:
        """The form, or how far the request is."""
        from tui.screens.pull_request import PullRequestScreen  # not before it is wanted

        if (row := self.current) is not None:
            self.app.push_screen(PullRequestScreen(self.session, row))

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


def best_link(row: AlertRow) -> str | None:
    """The pull request's address, else the first other link; only http(s)."""
    request = row.pull_request.url if row.pull_request is not None else None
    links = sorted(row.links, key=lambda link: link.kind is not LinkKind.PULL_REQUEST)
    for url in (request, *(link.url for link in links)):
        if url and is_web_address(url):
            return url
    return None

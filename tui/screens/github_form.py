"""The form of what is asked of GitHub for an alert, and then what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from jinkies.commands import CreateIssue, CreatePullRequest
from jinkies.errors import JinkiesError
from jinkies.model import AlertRow, Issue, PullRequest, WorkState
from tui import theme
from tui.format import clean
from tui.outside import has_browser, is_web_address
from tui.session import Session
from tui.trouble import title_of, words_of
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import KeyBar
from tui.work import start

TITLE_LIMIT = 256  # GitHub's bound on a title


Work = PullRequest | Issue


class GitHubForm(ModalScreen[None]):
    """Fields; progress; the link, or the reason why there is none."""

    def __init__(self, session: Session, row: AlertRow) -> None:
        super().__init__()
        self.session = session
        self.row = row
        self._asking = False
        self._refusal = ""
        self._drawn: object = None

    @property
    def form_title(self) -> str:
        """What is asked for."""
        raise NotImplementedError

    @property
    def noun(self) -> str:
        """What it is called once it is there."""
        raise NotImplementedError

    @property
    def explanation(self) -> str:
        """What will be written there."""
        raise NotImplementedError

    def fields(self) -> Iterable[Widget]:
        """The fields, filled in."""
        raise NotImplementedError

    def work_of(self, row: AlertRow) -> Work | None:
        """What the alert has of it."""
        raise NotImplementedError

    def command(self) -> CreatePullRequest | CreateIssue:
        """What the fields ask for."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The form."""
        with Container(id="form") as form:
            set_title(form, self.form_title)
            set_subtitle(form, f"{clean(self.row.service)} · {clean(self.row.title)[:60]}")
            yield from self.fields()
            yield Static(id="progress", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        """Where the request stands already."""
        self._show()

    @property
    def request(self) -> Work | None:
        """The newest that is known of it."""
        self.row = self.session.rows.get(self.row.alert_id, self.row)
        return self.work_of(self.row)

    def session_changed(self, changed: Session.Changed) -> None:
        """Called by the app's timer: the worker's result comes as a change of the row."""
        if changed.everything or self.row.alert_id in changed.alerts:
            self._show()

    def tick(self) -> None:
        """Nothing here ages."""

    def draw(self) -> None:
        """Nothing here streams."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """The form is closed while a request is under way, and once it is there."""
        request = self.request
        state = request.state if request is not None else None
        if action == "submit":
            there = request is not None and request.stands
            return None if self._asking or there or state is WorkState.REQUESTED else True
        if action == "open_link":
            return True if state is WorkState.DONE else None
        return True

    def _show(self) -> None:
        request = self.request
        open_for_input = self.check_action("submit", ()) is True
        for field in self.query("Input, TextArea"):
            field.disabled = not open_for_input
        self.query_one("#progress", Static).update(self._progress(request))
        self.refresh_bindings()

    def _progress(self, request: Work | None) -> Content:
        if self._refusal and (request is None or (request.state is not WorkState.REQUESTED and not request.stands)):
            return _words("✗ ", theme.BAD_COLOUR, self._refusal)
        if self._asking:
            return _words("◌ ", theme.WARN_COLOUR, "asking the core…")
        if request is None:
            missing = self.session.config.github.missing()
            if missing:
                return _words("○ ", theme.WARN_COLOUR, f"GitHub is not set up: {missing}")
            return _words("", theme.MUTED_COLOUR, self.explanation)
        if request.state is WorkState.REQUESTED:
            return _words("◌ ", theme.WARN_COLOUR, f"requested by {request.requested_by.name}; waiting for GitHub…")
        if request.state is WorkState.FAILED:
            return _words("✗ ", theme.BAD_COLOUR, f"failed: {request.error or 'unknown reason'}; ^s tries again")
        what = f"{self.noun} #{request.number or '–'}"
        if request.on_github is None or request.on_github.is_open:
            return _words("● ", theme.OK_COLOUR, f"{what} is open: {request.url or ''}")
        again = "" if request.stands else "; ^s opens another"
        return _words("○ ", theme.MUTED_COLOUR, f"{what} is {request.on_github.text}: {request.url or ''}{again}")

    def action_submit(self) -> None:
        """Ask for it."""
        self._refusal = ""
        self._asking = True
        self._show()
        start(
            self.app, partial(self._submit, self.command()), group="commands"
        )  # the app's: it goes on without the form

    async def _submit(self, command: CreatePullRequest | CreateIssue) -> None:
        try:
            await self.session.execute(command)
        except JinkiesError as error:
            self._refusal = words_of(error)
            if not self.is_attached:
                title = f"{self.form_title}: {title_of(error).lower()}"
                self.app.notify(self._refusal, title=title, severity="error", markup=False, timeout=8)
        self._asking = False
        if self.is_attached:
            self._show()

    def action_close(self) -> None:
        """What was asked for goes on without the form."""
        self.dismiss()

    def action_open_link(self) -> None:
        """In the browser, or as a copy."""
        request = self.request
        if request is None or request.url is None or not is_web_address(request.url):
            return
        if has_browser():
            self.app.open_url(request.url)
        else:
            self.app.copy_to_clipboard(request.url)
            self.notify(request.url, title="No browser here: address copied", markup=False)


def _words(mark: str, colour: str, text: str) -> Content:
    return Content.assemble((mark, colour), Content(clean(text)))

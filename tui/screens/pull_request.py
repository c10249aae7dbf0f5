"""The form of a draft pull request, and then what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from jinkies.commands import CreatePullRequest
from jinkies.errors import JinkiesError
from jinkies.model import AlertRow, PullRequest, WorkState
from tui import theme
from tui.format import clean
from tui.outside import has_browser, is_web_address
from tui.session import Session
from tui.trouble import title_of, words_of
from tui.widgets.frame import set_subtitle, set_title
from tui.widgets.keybar import KeyBar
from tui.work import start

_TITLE_LIMIT = 256  # GitHub's bound on a title


class PullRequestScreen(ModalScreen[None]):
    """Title, base branch and notes; progress; the link, or the reason why there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "open the draft", id="pr.submit", tooltip="Ask for the draft pull request"),
        Binding("escape", "close", "close", id="pr.close", tooltip="Back; what was asked for goes on"),
        Binding("ctrl+o", "open_link", "open link", id="pr.open", tooltip="Open the pull request in the browser"),
    ]

    def __init__(self, session: Session, row: AlertRow) -> None:
        super().__init__()
        self.session = session
        self.row = row
        self._asking = False
        self._refusal = ""
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """The form."""
        with Container(id="form") as form:
            set_title(form, f"Draft pull request for #{self.row.alert_id}")
            set_subtitle(form, f"{clean(self.row.service)} · {clean(self.row.title)[:60]}")
            yield from self._fields()
            yield Static(id="progress", markup=False)
            yield KeyBar()

    def _fields(self) -> Iterable[Widget]:
        request, config = self.row.pull_request, self.session.config
        title = request.title if request is not None else f"Fix {self.row.title} in {self.row.service}"
        base = (request.base_branch if request is not None else None) or config.github.base_branch or ""
        yield Static("Title", classes="label")
        yield Input(clean(title)[:_TITLE_LIMIT], id="pr-title", max_length=_TITLE_LIMIT, select_on_focus=False)
        yield Static("Base branch", classes="label")
        yield Input(base, id="pr-base", placeholder="the repository's default branch", select_on_focus=False)
        yield Static("Notes for the reviewer", classes="label")
        yield TextArea(request.notes if request is not None else "", id="pr-notes", tab_behavior="focus")

    def on_mount(self) -> None:
        """Where the request stands already."""
        self._show()

    @property
    def request(self) -> PullRequest | None:
        """The newest that is known of it."""
        self.row = self.session.rows.get(self.row.alert_id, self.row)
        return self.row.pull_request

    def session_changed(self, changed: Session.Changed) -> None:
        """Called by the app's timer: the worker's result comes as a change of the row."""
        if changed.everything or self.row.alert_id in changed.alerts:
            self._show()

    def tick(self) -> None:
        """Nothing here ages."""

    def draw(self) -> None:
        """Nothing here streams."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """The form is closed while a request is under way, and once the pull request is there."""
        request = self.request
        state = request.state if request is not None else None
        if action == "submit":
            return None if self._asking or state in {WorkState.REQUESTED, WorkState.DONE} else True
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

    def _progress(self, request: PullRequest | None) -> Content:
        if self._refusal and (request is None or request.state is WorkState.FAILED):
            return _words("✗ ", theme.BAD_COLOUR, self._refusal)
        if self._asking:
            return _words("◌ ", theme.WARN_COLOUR, "asking the core…")
        if request is None:
            missing = self.session.config.github.missing()
            if missing:
                return _words("○ ", theme.WARN_COLOUR, f"GitHub is not set up: {missing}")
            return _words(
                "",
                theme.MUTED_COLOUR,
                f"Adds incidents/{self.row.alert_id}.md: context and log excerpt, on a branch of its own.",
            )
        if request.state is WorkState.REQUESTED:
            return _words("◌ ", theme.WARN_COLOUR, f"requested by {request.requested_by.name}; waiting for GitHub…")
        if request.state is WorkState.FAILED:
            return _words("✗ ", theme.BAD_COLOUR, f"failed: {request.error or 'unknown reason'}; ^s tries again")
        return _words("● ", theme.OK_COLOUR, f"draft #{request.number or '–'} is open: {request.url or ''}")

    def action_submit(self) -> None:
        """Ask for it."""
        self._refusal = ""
        self._asking = True
        self._show()
        command = CreatePullRequest(
            alert_id=self.row.alert_id,
            title=self.query_one("#pr-title", Input).value.strip(),
            base_branch=self.query_one("#pr-base", Input).value.strip() or None,
            notes=self.query_one("#pr-notes", TextArea).text,
        )
        start(self.app, partial(self._submit, command), group="commands")  # the app's: it goes on without the form

    async def _submit(self, command: CreatePullRequest) -> None:
        try:
            await self.session.execute(command)
        except JinkiesError as error:
            self._refusal = words_of(error)
            if not self.is_attached:
                title = f"Draft pull request for #{command.alert_id}: {title_of(error).lower()}"
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

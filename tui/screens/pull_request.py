"""The form of a draft pull request, and then what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from jinkies.commands import CreatePullRequest
from jinkies.model import AlertRow, PullRequest
from tui.format import clean
from tui.screens.github_form import TITLE_LIMIT, GitHubForm


class PullRequestScreen(GitHubForm):
    """Title, base branch and notes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "open the draft", id="pr.submit", tooltip="Ask for the draft pull request"),
        Binding("escape", "close", "close", id="pr.close", tooltip="Back; what was asked for goes on"),
        Binding("ctrl+o", "open_link", "open link", id="pr.open", tooltip="Open the pull request in the browser"),
    ]

    @property
    def form_title(self) -> str:
        """What is asked for."""
        return f"Draft pull request for #{self.row.alert_id}"

    @property
    def noun(self) -> str:
        """What it is called once it is there."""
        return "draft"

    @property
    def explanation(self) -> str:
        """What will be written there."""
        return f"Adds incidents/{self.row.alert_id}.md: context and log excerpt, on a branch of its own."

    def fields(self) -> Iterable[Widget]:
        """Filled in with what was asked for, else with what is made from the alert."""
        request, config = self.row.pull_request, self.session.config
        title = request.title if request is not None else f"Fix {self.row.title} in {self.row.service}"
        base = (request.base_branch if request is not None else None) or config.github.base_branch or ""
        yield Static("Title", classes="label")
        yield Input(clean(title)[:TITLE_LIMIT], id="pr-title", max_length=TITLE_LIMIT, select_on_focus=False)
        yield Static("Base branch", classes="label")
        yield Input(base, id="pr-base", placeholder="the repository's default branch", select_on_focus=False)
        yield Static("Notes for the reviewer", classes="label")
        yield TextArea(request.notes if request is not None else "", id="pr-notes", tab_behavior="focus")

    def work_of(self, row: AlertRow) -> PullRequest | None:
        """Its pull request."""
        return row.pull_request

    def command(self) -> CreatePullRequest:
        """What the fields ask for."""
        return CreatePullRequest(
            alert_id=self.row.alert_id,
            title=self.query_one("#pr-title", Input).value.strip(),
            base_branch=self.query_one("#pr-base", Input).value.strip() or None,
            notes=self.query_one("#pr-notes", TextArea).text,
        )

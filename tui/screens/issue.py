"""The form of a GitHub issue, and then what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from jinkies.commands import CreateIssue
from jinkies.model import AlertRow, Issue
from tui.format import clean
from tui.screens.github_form import TITLE_LIMIT, GitHubForm


class IssueScreen(GitHubForm):
    """Title and notes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "open the issue", id="issue.submit", tooltip="Ask for the issue"),
        Binding("escape", "close", "close", id="issue.close", tooltip="Back; what was asked for goes on"),
        Binding("ctrl+o", "open_link", "open link", id="issue.open", tooltip="Open the issue in the browser"),
    ]

    @property
    def form_title(self) -> str:
        """What is asked for."""
        return f"Issue for #{self.row.alert_id}"

    @property
    def noun(self) -> str:
        """What it is called once it is there."""
        return "issue"

    @property
    def explanation(self) -> str:
        """What will be written there."""
        return "Tells context, stack trace and log excerpt; the alert links to it."

    def fields(self) -> Iterable[Widget]:
        """Filled in with what was asked for, else with what is made from the alert."""
        issue = self.row.issue
        title = issue.title if issue is not None else f"{self.row.title} in {self.row.service}"
        yield Static("Title", classes="label")
        yield Input(clean(title)[:TITLE_LIMIT], id="issue-title", max_length=TITLE_LIMIT, select_on_focus=False)
        yield Static("Notes", classes="label")
        yield TextArea(issue.notes if issue is not None else "", id="issue-notes", tab_behavior="focus")

    def work_of(self, row: AlertRow) -> Issue | None:
        """Its issue."""
        return row.issue

    def command(self) -> CreateIssue:
        """What the fields ask for."""
        return CreateIssue(
            alert_id=self.row.alert_id,
            title=self.query_one("#issue-title", Input).value.strip(),
            notes=self.query_one("#issue-notes", TextArea).text,
        )

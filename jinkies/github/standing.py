"""How a pull request or an issue stands, read from GitHub's answers."""

from __future__ import annotations

import re

import msgspec

from jinkies.model import OnGitHub

# https://docs.github.com/rest/issues/issues: state_reason of what is closed; null where nobody gave one
_CLOSED = {
    "completed": OnGitHub.COMPLETED,
    "not_planned": OnGitHub.NOT_PLANNED,
    "duplicate": OnGitHub.DUPLICATE,
}
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}(\[bot\])?")
_PLACE = re.compile(r"/([^/?#]+/[^/?#]+)/(?:pull|issues)/(\d{1,18})/?$")


class Person(msgspec.Struct, frozen=True):
    """Somebody on GitHub."""

    login: str = ""


class NumberRef(msgspec.Struct, frozen=True):
    """A pull request or an issue that is there, as GitHub lists it or gives it."""

    number: int
    html_url: str
    state: str = "open"
    draft: bool | None = None  # of pull requests; likewise below
    merged_at: str | None = None
    merged_by: Person | None = None
    state_reason: str | None = None  # of issues; likewise below
    closed_by: Person | None = None

    @property
    def on_github(self) -> OnGitHub:
        """How it stands."""
        if self.merged_at is not None:
            return OnGitHub.MERGED
        if self.state == "closed":
            return _CLOSED.get(self.state_reason or "", OnGitHub.CLOSED)
        return OnGitHub.DRAFT if self.draft else OnGitHub.OPEN

    @property
    def by(self) -> str:
        """The login of who merged or closed it; "" where GitHub doesn't say."""
        who = self.merged_by or self.closed_by
        return who.login if who is not None and _LOGIN.fullmatch(who.login) else ""


def repository_in(url: str | None) -> str | None:
    """``owner/name`` of the page of a pull request or an issue; None when it is none."""
    found = _PLACE.search(url or "")
    return found[1] if found is not None else None

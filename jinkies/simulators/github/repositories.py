"""The state behind the simulated GitHub: repositories with branches, commits, files and pull requests."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jinkies.simulators.github.errors import ApiError, not_found, validation_failed

_REFS_DOCS = "git/refs"
_PULLS_DOCS = "pulls/pulls#create-a-pull-request"
_ISSUES_DOCS = "issues/issues#create-an-issue"
_CONTENTS_DOCS = "repos/contents#create-or-update-file-contents"

TITLE_LIMIT = 256  # GitHub: "title is too long (maximum is 256 characters)"
LABEL_LIMIT = 50  # GitHub: characters of a label's name
BODY_LIMIT = 65_536  # GitHub: "body is too long (maximum is 65536 characters)"

# git-check-ref-format: what no part of a branch's name may hold
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(/|$)|[./]$|^/")


def now_iso() -> str:
    """The time as GitHub writes it: ``2026-01-01T00:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def blob_sha(content: bytes) -> str:
    """The id that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit with its whole tree: path → content."""

    sha: str
    parent: str | None
    message: str
    files: dict[str, bytes]


@dataclass(kw_only=True)
class Pull:
    """A pull request."""

    number: int
    title: str
    body: str
    head: str
    base: str
    base_sha: str
    draft: bool
    state: str = "open"
    created_at: str = field(default_factory=now_iso)
    merged_at: str | None = None
    merged_by: str | None = None  # login
    merge_commit_sha: str | None = None


@dataclass(kw_only=True)
class Issue:
    """An issue; pull requests and issues share their numbers."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...] = ()
    state: str = "open"
    state_reason: str | None = None  # "completed", "not_planned", "duplicate", "reopened"
    closed_by: str | None = None  # login
    created_at: str = field(default_factory=now_iso)
    updated_at: str = field(default_factory=now_iso)

    def turn(self, state: str, reason: str | None, by: str) -> None:
        """Close it, for ``completed`` unless another reason is given, or open it again."""
        if state != self.state:
            self.closed_by = by if state == "closed" else None
            self.state_reason = "completed" if state == "closed" else "reopened"
        self.state, self.updated_at = state, now_iso()
        self.state_reason = reason or self.state_reason


@dataclass(kw_only=True)
class Repository:
    """One repository. ``commits`` is empty in one that nobody pushed to."""

    full_name: str
    default_branch: str = "main"
    drafts: bool = True  # False: the plan has no draft pull requests
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pulls: list[Pull] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    has_issues: bool = True  # False: they are turned off in its settings

    @property
    def owner(self) -> str:
        """The login before the slash."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """What follows the slash."""
        return self.full_name.partition("/")[2]

    def commit(self, branch: str, message: str, files: dict[str, bytes]) -> Commit:
        """Put a commit with these files on top of a branch, which begins with it when it is new."""
        parent = self.branches.get(branch)
        tree = {**(self.commits[parent].files if parent else {}), **files}
        text = f"{parent}\n{message}\n{len(self.commits)}\n{sorted(map(blob_sha, tree.values()))}"
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        commit = Commit(sha=sha, parent=parent, message=message, files=tree)
        self.commits[sha] = commit
        self.branches[branch] = sha
        return commit

    def resolve(self, ref: str) -> Commit:
        """The commit that a branch's name or a sha means.

        Raises:
            ApiError: 404.
        """
        sha = self.branches.get(ref.removeprefix("refs/heads/").removeprefix("heads/"), ref)
        if sha not in self.commits:
            raise ApiError(404, f"No commit found for the ref {ref}", docs="repos/contents#get-repository-content")
        return self.commits[sha]

    def branch_of(self, ref: str) -> str:
        """``heads/main`` → ``main``, for a branch that exists.

        Raises:
            ApiError: 409 in an empty repository, else 404.
        """
        if not self.commits:
            raise ApiError(409, "Git Repository is empty.", docs=f"{_REFS_DOCS}#get-a-reference")
        branch = ref.removeprefix("heads/")
        if not ref.startswith("heads/") or branch not in self.branches:
            raise not_found(f"{_REFS_DOCS}#get-a-reference")
        return branch

    def create_ref(self, ref: str, sha: str) -> str:
        """A new branch at a commit; gives its name. Raises ``ApiError`` 409 or 422 as GitHub does."""
        docs = f"{_REFS_DOCS}#create-a-reference"
        if not self.commits:
            raise ApiError(409, "Git Repository is empty.", docs=docs)
        branch = ref.removeprefix("refs/heads/")
        if not ref.startswith("refs/") or ref.count("/") < 2 or branch == ref or _BAD_REF.search(branch):
            raise ApiError(422, f"{ref} is not a valid ref name.", docs=docs)
        if branch in self.branches:
            raise ApiError(422, "Reference already exists", docs=docs)
        if sha not in self.commits:
            raise ApiError(422, "Object does not exist", docs=docs)
        self.branches[branch] = sha
        return branch

    def update_ref(self, ref: str, sha: str, *, force: bool) -> str:
        """Move a branch; without ``force`` only forward. Raises ``ApiError`` 422."""
        docs = f"{_REFS_DOCS}#update-a-reference"
        branch = ref.removeprefix("heads/")
        if branch not in self.branches:
            raise ApiError(422, "Reference does not exist", docs=docs)
        if sha not in self.commits:
            raise ApiError(422, "Object does not exist", docs=docs)
        if not force and self.branches[branch] not in self.ancestry(sha):
            raise ApiError(422, "Update is not a fast forward", docs=docs)
        self.branches[branch] = sha
        return branch

    def put_file(self, path: str, content: bytes, *, message: str, branch: str, sha: str | None) -> Commit:
        """Create or update one file with a commit; ``sha`` is the blob that it replaces.

        Raises:
            ApiError: 404 unknown branch, 409 another blob is there, 422 no sha for a file that exists.
        """
        if branch not in self.branches:
            raise ApiError(404, f"Branch {branch} not found", docs=_CONTENTS_DOCS)
        there = self.resolve(branch).files.get(path)
        if there is not None and sha is None:
            raise ApiError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.', docs=_CONTENTS_DOCS)
        if sha is not None and (there is None or blob_sha(there) != sha):
            raise ApiError(409, f"{path} does not match {sha}", docs=_CONTENTS_DOCS)
        return self.commit(branch, message, {path: content})

    def ancestry(self, sha: str) -> list[str]:
        """The commit and all before it, newest first."""
        found: list[str] = []
        at: str | None = sha
        while at is not None:
            found.append(at)
            at = self.commits[at].parent
        return found

    def commits_between(self, base: str, head: str) -> list[Commit]:
        """Commits of branch ``head`` that branch ``base`` hasn't, oldest first."""
        known = set(self.ancestry(self.branches[base]))
        return [self.commits[sha] for sha in reversed(self.ancestry(self.branches[head])) if sha not in known]

    def open_pull(self, *, title: str, body: str, head: str, base: str, draft: bool) -> Pull:
        """A new pull request. Raises ``ApiError`` 422 as GitHub does."""
        branch = head.removeprefix(f"{self.owner}:")
        self._check_pull(title, body, branch, base, draft=draft)
        pull = Pull(
            number=self._next_number(),
            title=title,
            body=body,
            head=branch,
            base=base,
            base_sha=self.branches[base],
            draft=draft,
        )
        self.pulls.append(pull)
        return pull

    def pull(self, number: int) -> Pull:
        """By number. Raises ``ApiError`` 404."""
        for pull in self.pulls:
            if pull.number == number:
                return pull
        raise not_found("pulls/pulls#get-a-pull-request")

    def merge_pull(self, pull: Pull, by: str) -> None:
        """Merge it into its base. Raises ``ApiError`` 405 as GitHub does."""
        docs = "pulls/pulls#merge-a-pull-request"
        if pull.draft and pull.state == "open":
            raise ApiError(405, "Pull Request is still a draft", docs=docs)
        if pull.state != "open" or pull.base not in self.branches or pull.head not in self.branches:
            raise ApiError(405, "Pull Request is not mergeable", docs=docs)
        title = f"Merge pull request #{pull.number} from {self.owner}/{pull.head}"
        pull.merge_commit_sha = self.commit(pull.base, title, self.changed_files(pull)).sha
        pull.state, pull.merged_at, pull.merged_by = "closed", now_iso(), by

    def turn_pull(self, pull: Pull, state: str) -> None:
        """Close it unmerged, or open it again. Raises ``ApiError`` 422 for one that is merged."""
        if state == "open" and pull.merged_at is not None:
            raise validation_failed("PullRequest", "", field="state", docs="pulls/pulls#update-a-pull-request")
        pull.state = state

    def open_issue(self, *, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        """A new issue. Raises ``ApiError`` 410 or 422 as GitHub does."""
        self.check_issues()
        check_text(title, body, resource="Issue", docs=_ISSUES_DOCS)
        if any(not 1 <= len(label) <= LABEL_LIMIT for label in labels):
            raise validation_failed("Label", "", field="name", docs=_ISSUES_DOCS)
        issue = Issue(number=self._next_number(), title=title, body=body, labels=labels)
        self.issues.append(issue)
        return issue

    def issue(self, number: int) -> Issue:
        """By number. Raises ``ApiError`` 404."""
        for issue in self.issues:
            if issue.number == number:
                return issue
        raise not_found("issues/issues#get-an-issue")

    def check_issues(self) -> None:
        """Raise ``ApiError`` 410 where they are turned off."""
        if not self.has_issues:
            raise ApiError(410, "Issues has been disabled in this repository.", docs="v3/issues/")

    def _next_number(self) -> int:
        return len(self.pulls) + len(self.issues) + 1

    def changed_files(self, pull: Pull) -> dict[str, bytes]:
        """The files that a pull request adds or changes, as they are on its branch."""
        if pull.head not in self.branches:
            return {}
        before = self.commits[pull.base_sha].files
        return {path: text for path, text in self.resolve(pull.head).files.items() if before.get(path) != text}

    def _check_pull(self, title: str, body: str, head: str, base: str, *, draft: bool) -> None:
        check_text(title, body)
        for name, branch in (("head", head), ("base", base)):
            if branch not in self.branches:
                raise validation_failed("PullRequest", "", field=name, docs=_PULLS_DOCS)
        if draft and not self.drafts:
            raise ApiError(422, "Draft pull requests are not supported in this repository.", docs=_PULLS_DOCS)
        if not self.commits_between(base, head):
            raise validation_failed("PullRequest", f"No commits between {base} and {head}", docs=_PULLS_DOCS)
        if any(pull.state == "open" and (pull.head, pull.base) == (head, base) for pull in self.pulls):
            message = f"A pull request already exists for {self.owner}:{head}."
            raise validation_failed("PullRequest", message, docs=_PULLS_DOCS)


def check_text(title: str, body: str, *, resource: str = "PullRequest", docs: str = _PULLS_DOCS) -> None:
    """Hold a title and a body to GitHub's limits. Raises ``ApiError`` 422."""
    if not title.strip():
        raise ApiError(
            422,
            "Validation Failed",
            errors=({"resource": resource, "code": "missing_field", "field": "title"},),
            docs=docs,
        )
    for name, text, limit in (("title", title, TITLE_LIMIT), ("body", body, BODY_LIMIT)):
        if len(text) > limit:
            message = f"{name} is too long (maximum is {limit} characters)"
            raise validation_failed("Issue", message, field=name, docs=docs)

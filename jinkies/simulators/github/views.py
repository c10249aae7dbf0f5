"""What the simulated GitHub answers with: the fields of its published schemas that clients read."""

from __future__ import annotations

import base64
import textwrap

from jinkies.simulators.github.repositories import Commit, Issue, Pull, Repository, blob_sha

Json = dict[str, object]


class Views:
    """Renders state as JSON objects. ``web`` is the address of pages, ``api`` of the API, both without a last slash."""

    def __init__(self, web: str, api: str) -> None:
        self.web = web
        self.api = api

    def user(self, login: str) -> Json:
        """A simple user."""
        return {"login": login, "id": 1, "type": "User", "url": f"{self.api}/users/{login}", "site_admin": False}

    def repository(self, repository: Repository) -> Json:
        """A full repository, as far as clients read it."""
        return {
            "id": 1,
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self.user(repository.owner),
            "private": False,
            "html_url": f"{self.web}/{repository.full_name}",
            "url": f"{self.api}/repos/{repository.full_name}",
            "default_branch": repository.default_branch,
            "archived": False,
            "permissions": {"admin": False, "push": True, "pull": True},
        }

    def ref(self, repository: Repository, branch: str) -> Json:
        """A git reference."""
        sha = repository.branches[branch]
        git = f"{self.api}/repos/{repository.full_name}/git"
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": f"REF_{sha[:8]}",
            "url": f"{git}/refs/heads/{branch}",
            "object": {"type": "commit", "sha": sha, "url": f"{git}/commits/{sha}"},
        }

    def file(self, repository: Repository, path: str, content: bytes) -> Json:
        """A content file. GitHub wraps base64 at 60 characters and leaves out content above 1 MB."""
        encoded = textwrap.fill(base64.b64encode(content).decode(), 60) + "\n"
        large = len(content) > 1_000_000
        return {
            "type": "file",
            "encoding": "none" if large else "base64",
            "size": len(content),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": "" if large else encoded,
            "sha": blob_sha(content),
            "url": f"{self.api}/repos/{repository.full_name}/contents/{path}",
            "html_url": f"{self.web}/{repository.full_name}/blob/{repository.default_branch}/{path}",
        }

    def file_commit(self, repository: Repository, path: str, commit: Commit) -> Json:
        """The answer to a file's creation or update."""
        content = self.file(repository, path, commit.files[path])
        del content["content"], content["encoding"]
        return {
            "content": content,
            "commit": {
                "sha": commit.sha,
                "message": commit.message,
                "parents": [{"sha": commit.parent}] if commit.parent else [],
                "url": f"{self.api}/repos/{repository.full_name}/git/commits/{commit.sha}",
            },
        }

    def pull(self, repository: Repository, pull: Pull) -> Json:
        """A pull request."""
        return {
            "id": pull.number,
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "body": pull.body,
            "draft": pull.draft,
            "merged": pull.merged_at is not None,
            "merged_at": pull.merged_at,
            "merged_by": self.user(pull.merged_by) if pull.merged_by is not None else None,
            "merge_commit_sha": pull.merge_commit_sha,
            "user": self.user("jinkies-bot"),
            "created_at": pull.created_at,
            "url": f"{self.api}/repos/{repository.full_name}/pulls/{pull.number}",
            "html_url": f"{self.web}/{repository.full_name}/pull/{pull.number}",
            "head": self._side(repository, pull.head, repository.branches.get(pull.head, "")),
            "base": self._side(repository, pull.base, pull.base_sha),
        }

    def issue(self, repository: Repository, issue: Issue) -> Json:
        """An issue."""
        labels = [{"id": 1 + number, "name": name, "color": "ededed"} for number, name in enumerate(issue.labels)]
        return {
            "id": issue.number,
            "number": issue.number,
            "state": issue.state,
            "state_reason": issue.state_reason,
            "closed_by": self.user(issue.closed_by) if issue.closed_by is not None else None,
            "locked": False,
            "title": issue.title,
            "body": issue.body,
            "labels": labels,
            "user": self.user("jinkies-bot"),
            "created_at": issue.created_at,
            "updated_at": issue.updated_at,
            "url": f"{self.api}/repos/{repository.full_name}/issues/{issue.number}",
            "html_url": f"{self.web}/{repository.full_name}/issues/{issue.number}",
        }

    def pull_as_issue(self, repository: Repository, pull: Pull) -> Json:
        """A pull request as it stands among the issues."""
        listed = Issue(number=pull.number, title=pull.title, body=pull.body, created_at=pull.created_at)
        address = f"{self.web}/{repository.full_name}/pull/{pull.number}"
        api = f"{self.api}/repos/{repository.full_name}/pulls/{pull.number}"
        pages = {"html_url": address, "pull_request": {"url": api, "html_url": address}}
        return {**self.issue(repository, listed), "state": pull.state, **pages}

    def recorded_pull(self, repository: Repository, pull: Pull) -> Json:
        """A pull request with its files and commits, for ``/_sim/pulls``."""
        files = {path: text.decode("utf-8", "replace") for path, text in repository.changed_files(pull).items()}
        there = pull.head in repository.branches and pull.base in repository.branches
        commits = [commit.message for commit in repository.commits_between(pull.base, pull.head)] if there else []
        return {
            **self.pull(repository, pull),
            "repository": repository.full_name,
            "files": files,
            "commits": commits,
        }

    def _side(self, repository: Repository, branch: str, sha: str) -> Json:
        return {
            "label": f"{repository.owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(repository.owner),
            "repo": self.repository(repository),
        }

"""The pages of a pull request and of an issue: where the links of the demo lead. Everything on them is escaped text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from jinkies.simulators.github.people import IssueAct, PullAct
from jinkies.simulators.github.repositories import Issue, Pull, Repository

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1f2328 }
pre { background: #f6f8fa; border: 1px solid #d1d9e0; border-radius: 6px; padding: 1rem; overflow: auto }
.state { background: #59636e; border-radius: 1rem; color: white; padding: .2rem .8rem }
.note, h1 small { color: #59636e; font-weight: normal }
code { background: #f6f8fa; padding: .1rem .3rem }
"""


def pull_page(repository: Repository, pull: Pull) -> str:
    """The whole HTML document."""
    state = _state_of(pull)
    verb = "merged" if pull.merged_at is not None else "wants to merge"
    files = "".join(
        f"<h3><code>{escape(path)}</code></h3><pre>{escape(content.decode('utf-8', 'replace'))}</pre>"
        for path, content in sorted(repository.changed_files(pull).items())
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(pull.title)} · #{pull.number}</title>
<style>{_STYLE}</style></head><body>
<p class="note">{escape(repository.full_name)} on a simulated GitHub</p>
<h1>{escape(pull.title)} <small>#{pull.number}</small></h1>
<p><span class="state">{escape(state)}</span>
{verb} <code>{escape(pull.head)}</code> into <code>{escape(pull.base)}</code></p>
<pre>{escape(pull.body)}</pre>
{_buttons(_pull_acts(pull))}
<h2>Files changed</h2>
{files}
</body></html>
"""


def issue_page(repository: Repository, issue: Issue) -> str:
    """The whole HTML document."""
    reason = f" as {issue.state_reason.replace('_', ' ')}" if issue.state == "closed" and issue.state_reason else ""
    labels = " ".join(f"<code>{escape(label)}</code>" for label in issue.labels)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(issue.title)} · #{issue.number}</title>
<style>{_STYLE}</style></head><body>
<p class="note">{escape(repository.full_name)} on a simulated GitHub</p>
<h1>{escape(issue.title)} <small>#{issue.number}</small></h1>
<p><span class="state">{escape(issue.state.capitalize())}</span>{escape(reason)} {labels}</p>
<pre>{escape(issue.body)}</pre>
{_buttons(_issue_acts(issue))}
</body></html>
"""


def _state_of(pull: Pull) -> str:
    if pull.merged_at is not None:
        return "Merged"
    return "Draft" if pull.draft and pull.state == "open" else pull.state.capitalize()


def _pull_acts(pull: Pull) -> dict[PullAct, str]:
    """Buttons: what each does → its words."""
    if pull.merged_at is not None:
        return {}
    if pull.state == "closed":
        return {PullAct.REOPEN: "Reopen pull request"}
    acts = {PullAct.READY: "Ready for review"} if pull.draft else {PullAct.MERGE: "Merge pull request"}
    return {**acts, PullAct.CLOSE: "Close pull request"}


def _issue_acts(issue: Issue) -> dict[IssueAct, str]:
    if issue.state == "closed":
        return {IssueAct.REOPEN: "Reopen issue"}
    return {IssueAct.COMPLETE: "Close as completed", IssueAct.NOT_PLANNED: "Close as not planned"}


def _buttons(acts: Mapping[PullAct, str] | Mapping[IssueAct, str]) -> str:
    buttons = "".join(f'<button name="do" value="{act}">{words}</button> ' for act, words in acts.items())
    return f'<form method="post">{buttons}</form>' if acts else ""

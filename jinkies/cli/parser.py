"""The arguments of every subcommand. What a subcommand needs beyond them is imported when it runs."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from jinkies import __version__
from jinkies.model import UNRESOLVED, Severity, State
from jinkies.query import EXAMPLES as QUERY_EXAMPLES

MAX_LISTED = 10_000

_STATES: dict[str, tuple[State, ...]] = {
    "open": (State.OPEN,),
    "acknowledged": (State.ACKNOWLEDGED,),
    "acked": (State.ACKNOWLEDGED,),
    "snoozed": (State.SNOOZED,),
    "resolved": (State.RESOLVED,),
    "unresolved": UNRESOLVED,
    "all": tuple(State),
}
_SEVERITIES = {**{severity.value: severity for severity in Severity}, "warn": Severity.WARNING}
_OF_MANY = ("ack", "resolve", "reopen", "snooze")  # take a query in place of an alert's number
_ID = re.compile(r"#?([0-9]{1,18})", re.ASCII)

_BUILT_ALONE = {"logs": "logs", "tail": "logs", "query": "query"}  # commands, and the modules that add them

Subparsers = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its own return type no public name


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error here. ``-2h..-1h`` is a value, no option."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # argparse's own, unchanged
        super().__init__(*args, **settings)
        self._negative_number_matcher = re.compile(r"-\d")  # what argparse takes for a value with a minus

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        print(f"jinkies: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def lazily(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """A handler in ``jinkies.cli.<module>`` that is imported when it is called."""

    def run(arguments: argparse.Namespace) -> int:
        handler: Callable[[argparse.Namespace], int] = getattr(
            importlib.import_module(f"jinkies.cli.{module}"), function
        )
        return handler(arguments)

    return run


def alert_id(text: str) -> int:
    """``"42"`` or ``"#42"`` → 42."""
    found = _ID.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"expected an alert's number like 42 or #42, got {text!r}")
    return int(found[1])


def states(text: str) -> tuple[State, ...]:
    """``"open,resolved"`` → states, in the order of an alert's life."""
    found: set[State] = set()
    for name in text.lower().split(","):
        if name.strip() not in _STATES:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(_STATES)}, got {name.strip()!r}")
        found.update(_STATES[name.strip()])
    return tuple(state for state in State if state in found)


def severity(text: str) -> Severity:
    """A severity by its name."""
    if text.lower() not in _SEVERITIES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(Severity)}, got {text!r}")
    return _SEVERITIES[text.lower()]


def limit(text: str) -> int:
    """1 to 10,000."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LISTED):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAX_LISTED}, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """More than 0, at most a day."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found <= 86_400:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0 and at most 86400, got {text!r}")
    return found


def sender_name(text: str) -> str:
    """Of a sender of alerts."""
    if not re.fullmatch(r"[a-z0-9._\-]{1,40}", text) or text == "webhook":
        raise argparse.ArgumentTypeError(
            f"expected 1 to 40 of a-z, 0-9, '.', '_' and '-', and not webhook, got {text[:50]!r}"
        )
    return text


def build_parser(command: str | None = None) -> Parser:
    """The command line: of one of ``_BUILT_ALONE``, as all the others take a while to build, or the whole."""
    parser = Parser(prog="jinkies", description="The incident desk: alerts, logs and pull requests from the shell.")
    parser.add_argument("--version", action="version", version=f"jinkies {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    modules: tuple[str, ...] = ("logs", "query", "keep")
    if command in _BUILT_ALONE:
        modules = (_BUILT_ALONE[command],)
    else:
        _add_desk(subparsers)
        _add_reading(subparsers)
        _add_acting(subparsers)
        _add_setup(subparsers)
    for module in modules:  # imported here, because they build on this one
        importlib.import_module(f"jinkies.cli.{module}").add_parsers(subparsers)
    return parser


def _add_desk(subparsers: Subparsers[Parser]) -> None:
    serve = subparsers.add_parser("serve", help="run the core: take alerts in and let consoles and bots attach")
    serve.set_defaults(run=lazily("desk", "serve"))
    status = subparsers.add_parser("status", help="whether a core runs, how its parts are, what is to be set")
    _add_json(status)
    status.set_defaults(run=lazily("desk", "status"))


def _add_reading(subparsers: Subparsers[Parser]) -> None:
    alerts = subparsers.add_parser(
        "alerts",
        help="list alerts, newest first",
        epilog=f"QUERY, quoted for the shell: {QUERY_EXAMPLES.replace('%', '%%')}. Options beside it win.",
    )
    alerts.add_argument(
        "query", nargs="*", metavar="QUERY", help="as in the console: 'state:open service:api deadlock'"
    )
    alerts.add_argument(
        "--state",
        type=states,
        help=f"{', '.join(_STATES)}, or several with commas (default: unresolved)",
    )
    alerts.add_argument("--service", metavar="NAME")
    alerts.add_argument("--severity", type=severity, help=f"at least this: {', '.join(Severity)}")
    alerts.add_argument("--search", metavar="TEXT", default="", help="words of its text; or #42")
    alerts.add_argument("--limit", type=limit, default=50, metavar="N", help="at most this many (default: 50)")
    _add_json(alerts)
    alerts.set_defaults(run=lazily("alerts", "list_alerts"))
    alert = subparsers.add_parser("alert", help="one alert with its stack trace, logs and timeline")
    _add_id(alert)
    alert.add_argument("--explain", action="store_true", help="why its occurrences are one alert")
    _add_json(alert)
    alert.set_defaults(run=lazily("alerts", "show_alert"))


def _add_acting(subparsers: Subparsers[Parser]) -> None:
    for name, text in (
        ("ack", "acknowledge an alert: you are on it"),
        ("resolve", "resolve an alert: it is over"),
        ("reopen", "take an acknowledgement, a snooze or a resolution back"),
        ("split", "make a merged alert one of its own again"),
        ("snooze", "not now: until a time, or until it happened so many more times"),
        ("assign", "say who is to look at it"),
        ("merge", "make an alert part of another: both are one thing"),
    ):
        decide = subparsers.add_parser(name, help=text)
        if name in _OF_MANY:
            _add_ids(decide)
        else:
            _add_id(decide)
        _add_decision(name, decide)
        decide.add_argument("--note", default="", help="why, for the timeline")
        _add_json(decide)
        decide.set_defaults(run=lazily("act", name))
    comment = subparsers.add_parser("comment", help="add a line to an alert's timeline")
    _add_id(comment)
    comment.add_argument("text", metavar="TEXT", help="at most 4,000 characters")
    _add_json(comment)
    comment.set_defaults(run=lazily("act", "comment"))
    undo = subparsers.add_parser("undo", help="take your own last decision on an alert back, within 30 seconds")
    _add_id(undo)
    _add_json(undo)
    undo.set_defaults(run=lazily("act", "undo"))
    card = subparsers.add_parser("card", help="post an alert's own card in Discord, if only a digest tells of it")
    _add_id(card)
    _add_json(card)
    card.set_defaults(run=lazily("act", "card"))
    _add_silences(subparsers)
    _add_work(subparsers)


def _add_silences(subparsers: Subparsers[Parser]) -> None:
    silence = subparsers.add_parser("silence", help="tell nobody of alerts that match, for a while")
    silence.add_argument(
        "matchers", nargs="+", metavar="MATCHER", help="service=api severity>=error title=~deadlock tag:region!=eu"
    )
    silence.add_argument("--for", dest="span", metavar="TIME", help="how long: 30m, 2h, 1d12h")
    silence.add_argument("--until", metavar="TIME", help="13:10 (the next), 2026-01-31, 2026-01-31T13:10")
    silence.add_argument("--from", dest="begin", metavar="TIME", help="a maintenance window: when it begins")
    silence.add_argument("--reason", default="", help="why, for those who wonder where their alerts are")
    silence.add_argument("--preview", action="store_true", help="only show which of the newest it would have caught")
    _add_json(silence)
    silence.set_defaults(run=lazily("silences", "silence"))
    silences = subparsers.add_parser("silences", help="what is silenced, and what will be")
    _add_json(silences)
    silences.set_defaults(run=lazily("silences", "list_silences"))
    end = subparsers.add_parser("unsilence", help="end a silence early: what it held is told then")
    end.add_argument("silence_id", metavar="ID", type=alert_id)
    end.set_defaults(run=lazily("silences", "end"))


def _add_decision(name: str, parser: Parser) -> None:
    if name == "snooze":
        parser.add_argument("--for", dest="span", metavar="TIME", help="how long: 30m, 2h, 1d12h")
        parser.add_argument("--until", metavar="TIME", help="13:10 (the next), 2026-01-31, 2026-01-31T13:10")
        parser.add_argument("--times", type=limit, metavar="N", help="until it happened so many more times")
    elif name == "assign":
        parser.add_argument("to", metavar="NAME", help='as the team calls them; "" for nobody')
    elif name == "merge":
        parser.add_argument("into", metavar="INTO", type=alert_id, help="the alert that stays")


def _add_work(subparsers: Subparsers[Parser]) -> None:
    pull_request = subparsers.add_parser("pr", help="open a draft pull request for an alert and print its address")
    _add_id(pull_request)
    pull_request.add_argument("--base", metavar="BRANCH", help="default: the configured base branch")
    pull_request.set_defaults(run=lazily("work", "pull_request"))
    issue = subparsers.add_parser("issue", help="open a GitHub issue for an alert and print its address")
    _add_id(issue)
    issue.set_defaults(run=lazily("work", "issue"))
    for parser in (pull_request, issue):
        parser.add_argument("--title", default="", help="default: made from the alert")
        parser.add_argument("--notes", default="", help="goes into the body")
        parser.add_argument("--no-wait", action="store_true", help="only ask for it")
        parser.add_argument(
            "--timeout", type=seconds, default=120.0, metavar="SECONDS", help="how long to wait (default: 120)"
        )
        _add_json(parser)


def _add_setup(subparsers: Subparsers[Parser]) -> None:
    config = subparsers.add_parser("config", help="show the configuration in effect, secrets as set or unset")
    _add_json(config)
    config.set_defaults(run=lazily("setup", "show_config"))
    init = subparsers.add_parser("init", help="write a starter jinkies.toml")
    init.add_argument("path", nargs="?", type=Path, default=Path("jinkies.toml"), help="default: jinkies.toml, here")
    init.set_defaults(run=lazily("setup", "init"))
    token = subparsers.add_parser("token", help="make a token for a sender of alerts")
    kinds = token.add_subparsers(metavar="COMMAND", required=True)
    new = kinds.add_parser("new", help="print name:token, and say where it belongs")
    new.add_argument("name", metavar="NAME", type=sender_name, help="who will show it: a-z, 0-9, '.', '_' and '-'")
    new.set_defaults(run=lazily("setup", "new_token"))


def _add_id(parser: Parser) -> None:
    parser.add_argument("alert_id", metavar="ID", type=alert_id, help="an alert's number: 42 or #42")


def _add_ids(parser: Parser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("alert_id", metavar="ID", nargs="?", type=alert_id, help="an alert's number: 42 or #42")
    which.add_argument(
        "--query",
        metavar="QUERY",
        help="all that it means, at most the newest 500: 'state:open service:api'; shows them, and asks",
    )
    parser.add_argument("--yes", action="store_true", help="with --query: don't ask")


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")

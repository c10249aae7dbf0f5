"""``jinkies-tui``: the terminal console. Attaches to a running core, else hosts one itself and says so."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from jinkies import __version__, logsetup
from jinkies.config import Config
from jinkies.errors import ConfigError

if TYPE_CHECKING:
    from jinkies.app import Mode
    from jinkies.operator import Operator

_LOG_BYTES = 1_000_000


class _Mode(StrEnum):
    """``jinkies.app.Mode`` by value: that module is imported after the first paint."""

    ATTACH = "attach"
    ATTACH_OR_EMBED = "attach_or_embed"


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Answers 0, 1 when there is no core to attach to, 2 for mistakes in configuration or usage."""
    options = _parser().parse_args(arguments)
    if options.demo:
        from jinkies.demo import run

        return run(options.headless, lambda config, greeting: run_console(config, _Mode.ATTACH, greeting))
    if options.headless is not None:
        print("jinkies-tui: --headless goes with --demo", file=sys.stderr)  # noqa: T201 - a command line's answer
        return 2
    from jinkies.config import load_config

    try:
        config = load_config()
    except ConfigError as error:
        print(f"jinkies-tui: the configuration has mistakes:\n{error}", file=sys.stderr)  # noqa: T201 - as above
        return 2
    if options.attach and not _listens(config.socket_path):
        print(f"jinkies-tui: no core runs for {config.home}: start one with `jinkies serve`", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return run_console(config, _Mode.ATTACH if options.attach else _Mode.ATTACH_OR_EMBED)


def _listens(path: Path) -> bool:
    """Whether somebody accepts on a Unix socket: asked before the screen is taken over."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def run_console(config: Config, mode: Mode | _Mode, greeting: str | None = None) -> int:
    """Run the console until the user leaves. Answers the exit status; says on stderr why it is not 0.

    Args:
        config: the configuration.
        mode: whether to attach to a core only, or to embed one when there is none.
        greeting: what to tell the user first.
    """
    gc.disable()  # until the rows are there: collecting while everything is being imported costs 20 ms of the start
    from tui.app import ConsoleApp

    def connect() -> AbstractAsyncContextManager[Operator]:
        from jinkies.app import Mode, open_operator

        return open_operator(config, Mode(mode.value))

    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup's children: nobody sees a console without a terminal
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    app = ConsoleApp(connect, config, greeting=greeting)
    try:
        with logsetup.configured(config, _log_file(config)):
            status = app.run()
    finally:
        gc.enable()
    if app.failure is not None:
        print(f"jinkies-tui: {app.failure}", file=sys.stderr)  # noqa: T201 - a command line's answer
    return status if status is not None else app.return_code or 0


def _log_file(config: Config) -> logging.Handler:
    """A line on stderr would tear the screen: what is logged goes to a file of bounded size in the home folder."""
    from logging.handlers import RotatingFileHandler

    if not config.home.is_dir():
        return logging.NullHandler()
    path = config.home / "console.log"
    return RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, delay=True, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jinkies-tui", description="The incident desk's terminal console. ? inside lists all keys."
    )
    parser.add_argument("--attach", action="store_true", help="only attach to a running core; fail when none runs")
    parser.add_argument(
        "--demo", action="store_true", help="a desk with simulated AWS, Discord and GitHub, cleaned up after"
    )
    parser.add_argument(
        "--headless", type=float, metavar="SECONDS", help="with --demo: no screen; prints what happened as JSON"
    )
    parser.add_argument("--version", action="version", version=f"jinkies-tui {__version__}")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

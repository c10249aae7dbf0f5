"""The ``jinkies`` command: data on stdout, everything else on stderr, so that it goes well in a pipe.

Exit codes: 0 done (a reader that closed the pipe included), 1 refused or failed, 2 wrong usage or configuration,
130 interrupted. Errors are one line, ``jinkies: …``; of a configuration every mistake is listed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from jinkies.cli.output import complain
from jinkies.cli.parser import build_parser
from jinkies.errors import ConfigError, JinkiesError
from jinkies.lean import collect_again

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_SURROGATE = re.compile("[\ud800-\udfff]")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` is without the program's name.

    None is ``sys.argv``, and the process then ends with the command.
    """
    if argv is not None:
        return _run(argv)
    gc.disable()  # until the command is known and imported
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()  # else the interpreter looks through all that is left, twice, before it goes


def _run(given: Sequence[str]) -> int:
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal of another encoding still shows the rest
    try:
        parser = build_parser(given[0] if given else None)
        arguments = parser.parse_args(given)
        _refuse_undecodable(parser, arguments)
        collect_again()
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except SystemExit as end:  # argparse: 0 after --help and --version, 2 after wrong usage
        return end.code if isinstance(end.code, int) else EXIT_FAILED
    except ConfigError as error:
        for mistake in error.mistakes:
            complain(mistake)
        return EXIT_USAGE
    except JinkiesError as error:
        complain(str(error))
        return EXIT_FAILED
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:  # a full disk behind stdout, a home that can't be read
        complain(str(error))
        _drop_output()
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def _open_closed_streams() -> None:
    """With ``>&-`` Python has no stdout at all, and the next file that is opened, a database, would get its number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def _refuse_undecodable(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Bytes that are no UTF-8 arrive as lone surrogates, which can neither be stored nor sent; paths may hold them."""
    for name, value in vars(arguments).items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(one, str) and not one.isascii() and _SURROGATE.search(one) for one in texts):
            parser.error(f"argument {name}: holds bytes that are not UTF-8 text")


def _drop_output() -> None:
    """What is still buffered goes nowhere, else the interpreter complains about it at exit."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)

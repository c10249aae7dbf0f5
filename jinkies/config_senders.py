"""Who may report, as configuration names them: ``name:token``, in a variable or one a line of a file.

Nothing that is said about a mistake holds a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jinkies.config import Secret, SenderToken
from jinkies.config_checks import shown
from jinkies.config_sources import Environment, Mistakes, read_text, resolve

VARIABLE = "JINKIES_INGEST_TOKENS"
FILE_VARIABLE = f"{VARIABLE}_FILE"
WEBHOOK = "webhook"  # the sender who shows JINKIES_WEBHOOK_TOKEN
MAX_SENDERS = 200  # a signed request is compared with each
MAX_FILE_BYTES = 65_536

_NAME = re.compile(r"[a-z0-9._\-]{1,40}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/\-]{16,200}=*")  # what may stand behind Bearer (RFC 6750)


class Entry(NamedTuple):
    """One ``name:token`` and where it stands: ``entry 2``, ``line 7``."""

    where: str
    text: str


def of_variable(text: str) -> list[Entry]:
    """The entries of ``name:token,other:token``."""
    parts = [part.strip() for part in text.split(",")]
    return [Entry(f"entry {at}", part) for at, part in enumerate(parts, 1) if part]


def of_file(text: str) -> list[Entry]:
    """The entries of a file: one a line, ``#`` begins a comment, empty lines count for nothing."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [Entry(f"line {at}", line) for at, line in enumerate(lines, 1) if line]


def parse(entries: Iterable[Entry]) -> tuple[tuple[SenderToken, ...], list[tuple[str, str]]]:
    """What the entries say, and what is wrong with them as (where, problem).

    A name may have several tokens: the new one beside the old one while its senders change over.
    """
    found: dict[Secret, SenderToken] = {}
    wrong: list[tuple[str, str]] = []
    for where, text in entries:
        name, colon, token = (part.strip() for part in text.partition(":"))
        secret = Secret(token)
        if not colon:
            wrong.append((where, "is not name:token (not shown: it may be a token)"))
        elif not _NAME.fullmatch(name):
            wrong.append((where, f"{shown(name)} is no sender's name; 1 to 40 of a-z, 0-9, '.', '_' and '-'"))
        elif len(token) < 16:
            wrong.append((where, f"the token of {name} has {len(token)} characters; at least 16 (value not shown)"))
        elif not _TOKEN.fullmatch(token):
            wrong.append(
                (where, f"the token of {name} holds other characters than letters, digits and ._~+/- (value not shown)")
            )
        elif name == WEBHOOK:
            wrong.append((where, f"{WEBHOOK} is the sender of JINKIES_WEBHOOK_TOKEN; another name"))
        elif (held := found.get(secret)) is not None and held.name != name:
            wrong.append((where, f"{name} has the token of {held.name}; each sender needs one of its own"))
        else:
            found[secret] = SenderToken(name=name, token=secret)
    if len(found) > MAX_SENDERS:
        wrong.append((f"{len(found)} tokens", f"at most {MAX_SENDERS}"))
    return tuple(found.values()), wrong


def read_senders(environment: Environment, cwd: Path, mistakes: Mistakes) -> dict[str, object]:
    """``tokens`` and ``tokens_file`` of ``[http]``, as far as the environment sets them."""
    values: dict[str, object] = {}
    if direct := environment.get(VARIABLE):
        values["tokens"], wrong = parse(of_variable(direct.text))
        for where, problem in wrong:
            mistakes.add(direct.place, VARIABLE, f"{where}: {problem}")
    if named := environment.get(FILE_VARIABLE):
        path = resolve(named.text, cwd)
        values["tokens_file"] = path
        text = read_text(path, named.place, FILE_VARIABLE, mistakes, limit_bytes=MAX_FILE_BYTES)
        for where, problem in parse(of_file(text or ""))[1]:
            mistakes.add(f"{path} {where}", "", problem)
    return values

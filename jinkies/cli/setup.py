"""``jinkies config`` and ``jinkies init``."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from jinkies.cli.output import DIM, Cell, Printer, complain, line
from jinkies.config import Secret, load_config
from jinkies.redact import redact

_HEADER = """\
# Jinkies: `jinkies config` shows every key with the value in effect.
# Secrets (tokens, keys) belong into the environment or .env, never in here.
# The environment wins over .env, and .env over this file.

"""
_ACTIVE: dict[str, object] = {
    "http": {"listen": "127.0.0.1:8080"},
}
_EXAMPLES: tuple[tuple[str, str, dict[str, object]], ...] = (
    (
        "What belongs to a service; its name is what alerts carry as service_name.",
        "[services.api]",
        {
            "log_groups": ["/aws/lambda/api"],
            "repository": "example/api",
            "environment": "production",
            "runbook": "https://wiki.example.com/api",
        },
    ),
    (
        "Log lines that become alerts without any code in the service.",
        "[[watches]]",
        {"name": "api-errors", "service": "api", "level": "error", "severity": "error"},
    ),
)


def show_config(arguments: argparse.Namespace) -> int:
    """``jinkies config``: every key with its value in effect."""
    settings = dict(_flat("", load_config()))
    if arguments.json:
        print(msgspec.json.encode(settings).decode())
        return 0
    rows = [(Cell(line(name)), Cell(_text(value), DIM if value is None else "")) for name, value in settings.items()]
    Printer().table((), rows)
    return 0


def _flat(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Dotted keys with texts, numbers or lists; of a secret only whether it is set."""
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            name = f"{prefix}.{field.name}" if prefix else field.name
            held = getattr(value, field.name)
            if field.name in _SECRETS:
                held = "unset" if held is None else "set"
            yield from _flat(name, held)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for at, inner in enumerate(value):
            yield from _flat(f"{prefix}[{at}]", inner)
    elif isinstance(value, Secret):  # one that _SECRETS does not know: still not shown
        yield prefix, "set"
    elif isinstance(value, tuple):
        yield prefix, [redact(str(inner)) for inner in value]
    elif value is None or isinstance(value, bool | int | float):
        yield prefix, value
    else:
        yield prefix, redact(str(value))


_SECRETS = frozenset({"token", "private_key", "secret_access_key", "session_token"})


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return line(", ".join(value)) or "-"
    return line(str(value))


def new_token(arguments: argparse.Namespace) -> int:
    """``jinkies token new NAME``: the entry on standard output, so that it can be appended to a file; the rest beside.

    128 random bits in hexadecimal, as Sentry's own keys: some SDKs take nothing but letters and digits in a DSN.
    """
    token = secrets.token_hex(16)
    print(f"{arguments.name}:{token}")
    http = load_config().http
    if http.tokens_file is not None:
        where = f"append that line to {http.tokens_file}: it counts at once"
    else:
        where = "add it to JINKIES_INGEST_TOKENS, or to the file that JINKIES_INGEST_TOKENS_FILE names"
    print(where, f"send it as Authorization: Bearer {token}", sep="\n", file=sys.stderr)
    print(f"as a Sentry DSN: http://{token}@{http.listen}/1", file=sys.stderr)
    return 0


def init(arguments: argparse.Namespace) -> int:
    """``jinkies init``: a starter file, never over one that is there."""
    path: Path = arguments.path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError:
        complain(f"{path} is there already; it was left as it is")
        return 1
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror}")
        return 1
    print(f"wrote {path}")
    return 0


def starter() -> str:
    """The starter file: what is in effect, and examples behind ``#``."""
    import tomli_w

    text = _HEADER + tomli_w.dumps(_ACTIVE)
    for why, heading, example in _EXAMPLES:
        lines = (why, heading, *tomli_w.dumps(example).splitlines())
        text += "\n" + "".join(f"# {one}\n" for one in lines)
    return text

"""Where configuration comes from: the environment, ``.env``, files with a secret in them, and ``jinkies.toml``."""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from jinkies.config_checks import redacted

FILE_NAME = "jinkies.toml"
MAX_FILE_BYTES = 1_048_576
MAX_SECRET_BYTES = 65_536


class Mistakes:
    """Everything that is wrong, in the order in which it was found."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, place: str, key: str, problem: str) -> None:
        """One line: where, which key ("" for the whole place), and what would be right."""
        line = f"{place}: {key}: {problem}" if key else f"{place}: {problem}"
        if line not in self.lines:
            self.lines.append(line)


class Found(NamedTuple):
    """A variable that is set."""

    text: str
    place: str  # "environment" or ".env line 3"
    real: bool  # of the process, not of .env


class Environment:
    """The process's environment over ``.env``. What is empty counts as unset."""

    def __init__(self, real: Mapping[str, str], dotenv: Mapping[str, tuple[str, int]]) -> None:
        self._real = real
        self._dotenv = dotenv

    def get(self, name: str) -> Found | None:
        """The variable, if one of the two sets it."""
        if value := self._real.get(name, "").strip():
            return Found(value, "environment", real=True)
        value, line = self._dotenv.get(name, ("", 0))
        return Found(value.strip(), f".env line {line}", real=False) if value.strip() else None

    def names(self) -> list[str]:
        """All that are set, empty ones too."""
        return sorted({*self._real, *self._dotenv})


def read_environment(environ: Mapping[str, str] | None, cwd: Path, mistakes: Mistakes) -> Environment:
    """The two layers of variables; what can't be read of ``.env`` is a mistake."""
    real: Mapping[str, str] = os.environ if environ is None else environ
    path = cwd / ".env"
    if not path.is_file():
        return Environment(real, {})
    content = read_text(path, ".env", "", mistakes)
    return Environment(real, {} if content is None else _parse_dotenv(content, real, mistakes))


def _parse_dotenv(content: str, real: Mapping[str, str], mistakes: Mistakes) -> dict[str, tuple[str, int]]:
    """Name → (value, line). ``${OTHER}`` is filled in as python-dotenv does it."""
    import io

    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    found: dict[str, tuple[str, int]] = {}
    for binding in parse_stream(io.StringIO(content)):
        raw = binding.original.string
        line = binding.original.line + raw[: len(raw) - len(raw.lstrip())].count("\n")
        if binding.error:
            mistakes.add(f".env line {line}", "", "can't be read; NAME=value")
        elif binding.key is not None and binding.value is not None:
            known = {name: value for name, (value, _) in found.items()} | dict(real)
            value = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
            found[binding.key] = (value, line)
    return found


def read_text(path: Path, place: str, key: str, mistakes: Mistakes, *, limit_bytes: int = MAX_FILE_BYTES) -> str | None:
    """A small file of UTF-8 text; None, and a mistake, when it is something else."""
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        mistakes.add(place, key, f"can't read {path}: {reason}")
        return None
    if len(content) > limit_bytes:
        mistakes.add(place, key, f"{path} is larger than {limit_bytes} bytes")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mistakes.add(place, key, f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8")
        return None


def read_secret(environment: Environment, name: str, cwd: Path, mistakes: Mistakes) -> Found | None:
    """A secret from its variable, or from the file that ``<NAME>_FILE`` names."""
    direct, named = environment.get(name), environment.get(f"{name}_FILE")
    if direct and named and direct.real == named.real:
        mistakes.add(named.place, f"{name}_FILE", f"{name} is set too; set one of the two")
        return None
    if named is None or (direct and direct.real):
        return direct
    path = resolve(named.text, cwd)
    content = read_text(path, named.place, f"{name}_FILE", mistakes, limit_bytes=MAX_SECRET_BYTES)
    if content is not None and not content.strip():
        mistakes.add(named.place, f"{name}_FILE", f"{path} is empty; it holds the secret and nothing else")
    return Found(content.strip(), f"{path}", named.real) if content and content.strip() else None


def find_file(
    environment: Environment, environ: Mapping[str, str] | None, cwd: Path, mistakes: Mistakes
) -> Path | None:
    """``JINKIES_CONFIG``, else ``jinkies.toml`` in ``cwd``, else in the XDG configuration folder; None without one."""
    if named := environment.get("JINKIES_CONFIG"):
        path = resolve(named.text, cwd)
        if path.is_file():
            return path
        what = "a folder" if path.is_dir() else "missing"
        mistakes.add(named.place, "JINKIES_CONFIG", f"{path} is {what}; the path of a TOML file, or unset")
        return None
    folders = (cwd, xdg_folder(environ, "XDG_CONFIG_HOME", ".config"))
    # A folder of that name, as Docker makes of a missing bind mount, is told as what can't be read.
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).exists()), None)


def resolve(text: str, cwd: Path) -> Path:
    """A path as people write it: ``~`` is the home folder, relative ones start at ``cwd``."""
    try:
        return cwd / Path(text).expanduser()
    except RuntimeError:  # ~somebody who does not exist
        return cwd / text


def xdg_folder(environ: Mapping[str, str] | None, variable: str, below_home: str) -> Path:
    """Our folder: below the XDG variable's if that is absolute, as its specification has it, else the platform's."""
    known: Mapping[str, str] = os.environ if environ is None else environ
    if (named := known.get(variable, "")).startswith("/"):
        return Path(named) / "jinkies"
    if sys.platform == "linux" and known.get("HOME", "").startswith("/"):
        return Path(known["HOME"]) / below_home / "jinkies"
    import platformdirs

    return platformdirs.user_config_path("jinkies") if "CONFIG" in variable else platformdirs.user_state_path("jinkies")


def read_toml(path: Path, place: str, mistakes: Mistakes) -> dict[str, object]:
    """The file as TOML gives it; {} and a mistake when it can't be read."""
    content = read_text(path, place, "", mistakes)
    if content is None:
        return {}
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        where = f"line {match[2]}, column {match[3]}" if match and match[2] else "at its end"
        mistakes.add(place, where, redacted(match[1] if match else str(error)))
    except (RecursionError, ValueError) as error:
        mistakes.add(place, "", f"can't be read as TOML: {type(error).__name__}")
    return {}


def did_you_mean(key: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``; did you mean http.listen?``, or nothing."""
    names = list(known)
    last = key.rpartition(".")[2]
    same_end = [name for name in names if name.rpartition(".")[2] == last]
    close = same_end or difflib.get_close_matches(key, names, n=1, cutoff=cutoff)
    close = close or [name for name in names if difflib.get_close_matches(last, [name.rpartition(".")[2]], cutoff=0.8)]
    return f"; did you mean {close[0]}?" if close else ""

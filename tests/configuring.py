"""Loading a configuration from a folder of the test's own, whatever this machine has configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinkies.config import Config, load_config
from jinkies.errors import ConfigError


def load(place: Path, toml: str | None = None, dotenv: str | None = None, **environ: str) -> Config:
    if toml is not None:
        (place / "jinkies.toml").write_text(toml, encoding="utf-8")
    if dotenv is not None:
        (place / ".env").write_text(dotenv, encoding="utf-8")
    return load_config({"HOME": str(place / "user"), "XDG_CONFIG_HOME": str(place / "xdg")} | environ, cwd=place)


def mistakes(place: Path, toml: str | None = None, dotenv: str | None = None, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(place, toml, dotenv, **environ)
    return caught.value.mistakes

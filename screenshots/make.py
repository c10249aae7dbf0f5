"""``make screenshots``: the real console, headless, attached to a seeded core, as PNG pictures beside this file."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from textual.pilot import Pilot

from jinkies.app import Mode, open_operator
from jinkies.core import Core
from screenshots.desk import configuration, open_desk
from tui.app import ConsoleApp

HERE = Path(__file__).resolve().parent
WIDE = (120, 36)
Steps = Callable[[Pilot[int]], Awaitable[None]]


async def _keys(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await pilot.pause(0.7)


async def _alerts(pilot: Pilot[int]) -> None:
    await _keys(pilot)


async def _filter(pilot: Pilot[int]) -> None:
    await _keys(pilot, "slash", *"level>=error")


async def _pull_request(pilot: Pilot[int]) -> None:
    await _keys(pilot, "p")


async def _logs(pilot: Pilot[int]) -> None:
    await _keys(pilot, "l")


async def _search(pilot: Pilot[int]) -> None:
    await _keys(pilot, "l")
    await _keys(pilot, "slash", *"req=", "enter", "w", "e")


async def _discord(pilot: Pilot[int]) -> None:
    await _keys(pilot, "3", "down")


async def _help(pilot: Pilot[int]) -> None:
    await _keys(pilot, "question_mark")


SHOTS: dict[str, Steps] = {
    "alerts": _alerts,
    "filter": _filter,
    "pull-request": _pull_request,
    "logs": _logs,
    "search": _search,
    "discord": _discord,
    "help": _help,
}
COMMITTED = ("alerts", "logs", "discord", "pull-request")


async def shoot(core: Core, steps: Steps, size: tuple[int, int]) -> str:
    """The screen after some keys, as SVG."""
    app = ConsoleApp(lambda: open_operator(core.config, Mode.ATTACH), configuration(core.config.home))
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause(0.8)
        await steps(pilot)
        return app.export_screenshot(title="jinkies-tui")


async def make(names: list[str], size: tuple[int, int], folder: Path, width_px: int) -> None:
    """Every picture named."""
    async with open_desk() as core:
        for name in names:
            svg = await shoot(core, SHOTS[name], size)
            _to_png(svg, folder / f"{name}.png", width_px)
            print(folder / f"{name}.png")  # noqa: T201 - a command's answer


def _to_png(svg: str, target: Path, width_px: int) -> None:
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)  # librsvg drops spaces at both ends of a text otherwise
    for pair in ("&gt;=", "!=", "=="):  # Fira Code would draw each of these as one sign
        svg = svg.replace(pair, pair[:-1] + "&#8204;" + pair[-1])
    with tempfile.NamedTemporaryFile("w", suffix=".svg", encoding="utf-8") as file:
        file.write(svg)
        file.flush()
        command = ["rsvg-convert", "--width", str(width_px), "--output", str(target), file.name]
        subprocess.run(command, check=True)  # noqa: S603 - our own arguments


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(COMMITTED), help=f"some of {', '.join(SHOTS)}")
    parser.add_argument("--size", default=f"{WIDE[0]}x{WIDE[1]}", help="columns x rows")
    parser.add_argument("--folder", type=Path, default=HERE)
    options = parser.parse_args()
    if shutil.which("rsvg-convert") is None:
        print("rsvg-convert is missing: on Debian, apt-get install librsvg2-bin fonts-firacode", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    columns, rows = (int(number) for number in options.size.split("x"))
    options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(make(options.names, (columns, rows), options.folder, min(columns * 10, 1_600)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

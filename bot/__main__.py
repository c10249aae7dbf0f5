"""``jinkies-bot``: the Discord bot, attached to a running core or hosting one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jinkies import __version__, logsetup
from jinkies.clock import SystemClock
from jinkies.config import Config, load_config
from jinkies.errors import ConfigError, Disconnected, JinkiesError
from jinkies.operator import Operator

log = logging.getLogger("bot")

LOOK_FOR_CORE_EVERY_S = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bot until a signal ends it.

    Returns:
        0 after SIGTERM or SIGINT, 1 when the core can't be used, 2 when the configuration must be mended.
    """
    arguments = _parser().parse_args(argv)
    try:
        config = load_config()
    except ConfigError as error:
        for mistake in error.mistakes:
            print(mistake, file=sys.stderr)  # noqa: T201 - a command line's errors
        return 2
    if (missing := config.discord.missing()) is not None:
        print(f"jinkies-bot: Discord is not configured: {missing}", file=sys.stderr)  # noqa: T201 - likewise
        return 2
    with logsetup.configured(config):
        return _run_logged(config, embedded=arguments.embedded)


def _run_logged(config: Config, *, embedded: bool) -> int:
    try:
        asyncio.run(_until_signal(config, embedded=embedded))
    except JinkiesError as error:
        print(f"jinkies-bot: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    except Exception:  # into the log, which takes the secrets out, and not through the interpreter, which doesn't
        log.critical("the bot broke", exc_info=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jinkies-bot",
        description="The Discord bot of the incident desk; attaches to a running core and waits for one.",
    )
    parser.add_argument(
        "--embedded", action="store_true", help="host the core, with HTTP ingest, in this process instead of attaching"
    )
    parser.add_argument("--version", action="version", version=f"jinkies-bot {__version__}")
    return parser


async def _until_signal(config: Config, *, embedded: bool) -> None:
    work = asyncio.ensure_future(_run(config, embedded=embedded))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    await asyncio.wait({work})
    if not work.cancelled():
        work.result()


async def _run(config: Config, *, embedded: bool) -> None:
    from jinkies.redact import by_rules, use

    use(by_rules(config.redact))
    from bot.session import Session  # after logging is configured: it imports interactions.py

    async with _operator(config, embedded=embedded) as operator:
        log.info("%s a core; connecting to Discord", "hosting" if embedded else "attached to")
        await Session(config, operator, SystemClock()).run()


@asynccontextmanager
async def _operator(config: Config, *, embedded: bool) -> AsyncIterator[Operator]:
    from jinkies.app import Mode, open_operator

    if not embedded:
        await _wait_for_core(config)
    async with open_operator(config, Mode.EMBED if embedded else Mode.ATTACH) as operator:
        yield operator


async def _wait_for_core(config: Config) -> None:
    from jinkies.app import Mode, open_operator

    told = False
    while True:
        try:
            async with open_operator(config, Mode.ATTACH):
                return
        except Disconnected as error:
            if not told:
                log.warning("%s; waiting for one (or run `jinkies-bot --embedded`)", error)
                told = True
        await SystemClock().sleep(LOOK_FOR_CORE_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())

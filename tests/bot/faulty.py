"""One seed of everything that can go wrong: what people and programs do meanwhile, and what must be true after."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import msgspec

from bot.custom_ids import sighted
from bot.showing import showing
from jinkies import logsetup
from jinkies.commands import Acknowledge, AnyCommand, Comment, Reopen, Resolve
from jinkies.config import Config, RouteConfig
from jinkies.errors import JinkiesError
from jinkies.matching import parse_matchers
from jinkies.model import Delivery, DeliveryState, What
from jinkies.simulators.discord import AnswerKind, Fault, Refused, faults
from jinkies.simulators.discord.messages import components_of
from jinkies.simulators.discord.schedule import Schedule, Trouble
from jinkies.simulators.discord.world import Access, Json
from tests.bot.worlds import CHANNEL, Desk, in_a_world
from tests.telling import ROLE

LASTS_S = 90.0
KINDS = 12  # of alerts that come again and again
OTHER, OTHER_ID = "ops", "1300000000000000003"
CHANNELS = (CHANNEL, OTHER)
FAULTS = ("it starts again in", "can't be mended just now", "can't be shown")  # of our own, in the log
TOKEN_START = "aW50ZXJhY3Rpb246"  # of every interaction's token in the simulator


@dataclass
class Result:
    """What came of a seed."""

    seed: int
    faults: int = 0
    requests: int = 0
    hit: int = 0  # requests that a fault befell
    own_429: int = 0  # refused by a rate limit that we should have known
    alerts: int = 0
    cards: int = 0
    digested: int = 0
    reposts: int = 0
    deleted: int = 0
    settled_s: float = 0.0  # from the last fault until all was in step
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    happened: str = ""


def run(seed: int) -> Result:
    """A seed from its beginning to its end, in virtual time."""
    dice, result = Random(seed), Result(seed)
    said = io.StringIO()

    async def whole(desk: Desk) -> None:
        with logsetup.configured(msgspec.structs.replace(desk.config, log_level="DEBUG"), logging.StreamHandler(said)):
            await _Seed(desk, dice, result).run()
        result.wrong += _secrets(said.getvalue(), desk)
        result.wrong += [line for line in said.getvalue().splitlines() if any(words in line for words in FAULTS)]

    in_a_world(whole, nonce_memory_s=dice.choice((300.0, 300.0, 0.0)), change=partial(_set, dice))
    return result


def _set(dice: Random, config: Config) -> Config:
    """What is the web's goes to a channel of its own, and calls people there; some have threads on their cards."""
    routes = (RouteConfig(match=parse_matchers("service=web"), channels=(OTHER_ID,), mention=(ROLE,)),)
    discord = msgspec.structs.replace(config.discord, threads=dice.random() < 0.3)
    return msgspec.structs.replace(config, routes=routes, discord=discord)


def _secrets(text: str, desk: Desk) -> list[str]:
    found = [TOKEN_START] if TOKEN_START in text else []
    token = desk.config.discord.token
    return [f"the log holds {one!r}" for one in (*found, *([token.reveal()] if token else [])) if one in text]


class _Seed:
    def __init__(self, desk: Desk, dice: Random, result: Result) -> None:
        self._desk = desk
        self._dice = dice
        self._result = result
        self._people: set[asyncio.Task[None]] = set()
        self._deleted: set[str] = set()  # messages
        self._old: set[str] = set()  # messages that can't be edited any more

    async def run(self) -> None:
        desk, result = self._desk, self._result
        pause_s, long_s = self._dice.choice((1.0, 2.0, 5.0)), self._dice.choice((1.0, 5.0, 20.0, 80.0))
        kinds = [one for one in Trouble if one is not Trouble.OLD_MESSAGE]  # here what is old stays so, as in Discord
        schedule = Schedule(
            self._dice, lasts_s=LASTS_S, mean_pause_s=pause_s, longest_s=long_s, most_slow_s=6.0, kinds=kinds
        )
        async with schedule.disturbing(desk.discord), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stay_old(schedule))
            await self._live()
        await self._settle()
        for one in desk.discord.state.interactions.values():
            kind = desk.discord.people.answer(one).kind
            result.answers[kind.value] += 1
            if kind in (AnswerKind.THINKING, AnswerKind.WAITING):
                result.wrong.append(f"who asked {one.name!r} is left without an answer: {kind}")
        result.faults, result.happened = len(schedule.happened), schedule.report()
        result.requests = len(desk.discord.calls)
        result.hit = sum(one.fault is not None for one in desk.discord.calls)
        result.own_429 = sum(one.status == 429 and one.fault is None for one in desk.discord.calls)
        await _Judge(desk, result, self._deleted).judge()

    async def _live(self) -> None:
        """What people and programs do while things go wrong."""
        ends_s = self._desk.clock.monotonic_s() + LASTS_S
        acts: list[tuple[int, Callable[[], Coroutine[Any, Any, None]]]] = [
            (30, self._old_alert),
            (12, self._new_alert),
            (8, self._decide),
            (12, self._press),
            (6, self._type),
            (1, self._delete),
            (2, self._grow_old),
            (1, self._restart_bot),
            (1, self._restart_core),
            (1, self._close_channel),
        ]
        weights = [weight for weight, _ in acts]
        while (now_s := self._desk.clock.monotonic_s()) < ends_s:
            [(_, act)] = self._dice.choices(acts, weights)
            await act()
            await self._desk.clock.sleep(min(self._dice.expovariate(1.2), ends_s - now_s + 0.1))

    async def _stay_old(self, schedule: Schedule) -> None:
        """What can't be edited any more is no fault that ends with the schedule."""
        await schedule.over.wait()
        for message_id in self._old:
            self._desk.discord.fault(_old(message_id))

    async def _settle(self) -> None:
        desk, began_s = self._desk, self._desk.clock.monotonic_s()
        await desk.until_in_step(900.0)
        await asyncio.gather(*self._people)
        self._result.settled_s = desk.clock.monotonic_s() - began_s
        await desk.clock.sleep(20.0)  # nothing more may come
        await desk.until_in_step(60.0)

    def _messages(self) -> list[Json]:
        return [one for channel in CHANNELS for one in self._desk.discord.messages(channel)]

    async def _new_alert(self) -> None:
        for _ in range(self._dice.choice((1, 1, 1, 2, 6))):
            await self._desk.report(f"new {self._dice.random()}", service=self._dice.choice(("api", "api", "web")))

    async def _old_alert(self) -> None:
        kind = self._dice.randrange(KINDS)
        await self._desk.report(f"kind {kind}", service="web" if kind % 3 == 0 else "api")

    async def _decide(self) -> None:
        rows = (await self._desk.operator.snapshot()).rows
        if not rows:
            return
        row = self._dice.choice(rows)
        kinds: list[AnyCommand] = [
            Acknowledge(alert_id=row.alert_id),
            Resolve(alert_id=row.alert_id),
            Comment(alert_id=row.alert_id, text="looking"),
            Reopen(alert_id=row.alert_id),
        ]
        with contextlib.suppress(JinkiesError):  # not from that state
            await self._desk.operator.execute(self._dice.choice(kinds))

    async def _press(self) -> None:
        buttons = [
            (message["id"], one["custom_id"])
            for message in self._messages()
            for one in components_of(message)
            if one["type"] == 2 and not one.get("disabled") and "custom_id" in one
        ]
        if buttons:
            message_id, custom_id = self._dice.choice(buttons)
            self._person(self._desk.discord.press(message_id, custom_id, wait_s=40.0))

    async def _type(self) -> None:
        name, options = self._dice.choice((("alerts", {}), ("ack", {"id": "1"}), ("alert", {"id": "2"})))
        self._person(self._desk.discord.slash(name, options, wait_s=40.0))

    def _person(self, acting: Coroutine[Any, Any, Any]) -> None:
        async def watch() -> None:
            try:
                await acting
            except Refused:
                self._result.answers["impossible"] += 1

        self._people.add(asyncio.create_task(watch()))

    async def _delete(self) -> None:
        messages = self._messages()
        if messages:
            message_id = self._dice.choice(messages)["id"]
            self._deleted.add(message_id)
            await self._desk.discord.delete_message(message_id)

    async def _grow_old(self) -> None:
        messages = self._messages()
        if messages:
            message_id = self._dice.choice(messages)["id"]
            self._old.add(message_id)
            self._desk.discord.fault(_old(message_id))

    async def _restart_bot(self) -> None:
        await self._desk.stop_bot(kill=self._dice.random() < 0.7)
        await self._desk.clock.sleep(self._dice.choice((0.0, 1.0, 20.0)))
        await self._desk.start_bot()

    async def _restart_core(self) -> None:
        await self._desk.stop_core()
        await self._desk.clock.sleep(self._dice.choice((0.0, 2.0, 15.0)))
        await self._desk.start_core()

    async def _close_channel(self) -> None:
        """Somebody takes the bot's permission away, and gives it back."""
        desk, access = self._desk, self._dice.choice((Access.READ, Access.NONE))
        channel = self._dice.choice(CHANNELS)
        await desk.discord.change_channel(channel, access=access)
        await desk.clock.sleep(self._dice.choice((1.0, 10.0)))
        await desk.discord.change_channel(channel, access=Access.FULL)


class _Judge:
    """What must be true once Discord is well and everything is settled."""

    def __init__(self, desk: Desk, result: Result, deleted: set[str]) -> None:
        self._desk = desk
        self._result = result
        self._deleted = deleted
        self._by_key: dict[tuple[str, int, str], list[Json]] = {}

    async def judge(self) -> None:
        for message in [one for channel in CHANNELS for one in self._desk.discord.messages(channel)]:
            meant = next(
                (found for one in components_of(message) if (found := sighted(one.get("custom_id", "")))), None
            )
            if meant is None:
                self._result.wrong.append(f"a message of nobody: {message['id']} {message['content'][:60]!r}")
            else:
                self._by_key.setdefault((message["channel_id"], *meant[:2]), []).append(message)
        replica = self._desk.session.replica
        if replica.unsettled != {key: one for key, one in replica.deliveries.items() if not one.in_step}:
            self._result.wrong.append(f"the replica takes {replica.unsettled} for unsettled")
        newest = (await self._desk.operator.snapshot()).position.seq
        alert_id, known = 0, set()
        while True:
            alert_id += 1
            try:
                detail = await self._desk.operator.alert(alert_id)
            except JinkiesError:
                break
            self._result.alerts += 1
            for one in detail.deliveries:
                known.add((one.channel_id, one.alert_id, one.kind))
                self._judge(one, detail)
        self._result.wrong += [f"{key} is shown and not wanted" for key in self._by_key if key not in known]
        assert newest > 0

    def _judge(self, delivery: Delivery, detail: Any) -> None:
        if delivery.what is What.THREAD:  # on a card, and in step
            return
        shown = self._by_key.get((delivery.channel_id, delivery.alert_id, delivery.kind), [])
        if delivery.state is DeliveryState.DIGESTED:
            self._result.digested += delivery.kind == "card"
            self._check_digested(delivery, shown)
        elif delivery.state is DeliveryState.DELETED:
            self._result.deleted += 1
            if delivery.message_id not in self._deleted:
                self._say(delivery, "nobody deleted it")
        elif delivery.state is DeliveryState.POSTED:
            self._check_shown(delivery, detail, shown)
        else:
            self._say(delivery, f"is {delivery.state}: {delivery.error}")

    def _check_digested(self, delivery: Delivery, shown: list[Json]) -> None:
        if shown and not self._replaced(shown, None):
            self._say(delivery, f"is digested and shown in {[one['id'] for one in shown]}")

    def _check_shown(self, delivery: Delivery, detail: Any, shown: list[Json]) -> None:
        current = [one for one in shown if one["id"] == delivery.message_id]
        if not current:
            if delivery.message_id not in self._deleted:
                self._say(delivery, f"is recorded as {delivery.message_id} and shown in {[one['id'] for one in shown]}")
            return  # deleted by a person; noticed at its next edit
        self._result.cards += delivery.kind == "card"
        if not self._replaced(shown, delivery.message_id):
            self._say(delivery, f"is shown more than once: {[(one['id'], one['content'][:90]) for one in shown]}")
        epoch = self._desk.session.replica.hello
        assert epoch is not None
        wanted = showing(delivery, detail, epoch=epoch.epoch, link=None)
        if wanted.edited and _texts(msgspec.to_builtins(wanted.message)) != _texts(current[0]):
            self._say(delivery, f"shows an old state: {_texts(current[0])[:2]}")

    def _replaced(self, shown: list[Json], current: str | None) -> bool:
        """Whether all but the newest were replaced, each by one that links back to it."""
        ids = sorted((one["id"] for one in shown), key=int)
        if current is not None and ids[-1] != current:
            return False
        self._result.reposts += len(ids) - 1
        links = (one["content"].partition("\n")[0] for one in shown if one["content"].startswith("Earlier card: "))
        linked = {one.rpartition("/")[2] for one in links}
        return all(each in linked for each in ids[:-1])

    def _say(self, delivery: Delivery, what: str) -> None:
        self._result.wrong.append(f"{delivery.kind} of #{delivery.alert_id} {what}")


def _old(message_id: str) -> Fault:
    return msgspec.structs.replace(faults.old_message(times=1_000_000), path=f"/channels/[0-9]+/messages/{message_id}$")


def _texts(message: Json) -> list[str]:
    """What of a message's embeds says how the alert is."""
    found = []
    for embed in message["embeds"]:
        found += [str(embed.get(name) or "").strip() for name in ("title", "description")]
        found += [f"{one['name'].strip()}: {one['value'].strip()}" for one in embed.get("fields") or ()]
    return found

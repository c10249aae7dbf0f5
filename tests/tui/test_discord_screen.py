from __future__ import annotations

import msgspec

from jinkies.clock import SystemClock
from jinkies.commands import RecordDelivery, ReportHealth, TakeLease
from jinkies.config import Config, DiscordConfig
from jinkies.core import Core
from jinkies.model import SYSTEM, DeliveryState, PartHealth, PartState, State, What
from jinkies.operator import Operator
from tests.conftest import CHANNEL_ID
from tests.telling import BOSS, MINUTE_MS, ROLE, route, scene, with_routes
from tests.tui.conftest import Report, console_on


async def _deliver(core: Core, alert_id: int, state: DeliveryState, shown: int, error: str | None = None) -> None:
    board = core.operator(SYSTEM)
    await board.execute(TakeLease(name="board", holder="test", ttl_s=60))
    await board.execute(
        RecordDelivery(
            alert_id=alert_id,
            channel_id=CHANNEL_ID,
            holder="test",
            state=state,
            message_id="77" if state is DeliveryState.POSTED else None,
            shown_revision=shown,
            error=error,
        )
    )


def _set_up(config: Config) -> Config:
    return msgspec.structs.replace(config, discord=DiscordConfig(alert_channel_id=CHANNEL_ID))


async def test_cards_wait_while_there_is_no_bot_and_step_once_posted(
    operator: Operator, core: Core, config: Config, report: Report
) -> None:
    alert_id = await report("boom", request_path="GET /orders")
    await core.operator(SYSTEM).execute(ReportHealth(health=PartHealth(part="discord", state=PartState.FAILED)))
    async with console_on(_set_up(config), operator) as console:
        await console.press("3")
        await console.until("bot down since ", "1 waiting", "post waiting", "boom", "GET /orders", "Acknowledge")
        await _deliver(core, alert_id, DeliveryState.POSTED, 1)
        await console.until("● in step  rev 1 of 1", "empty: all in step")
        await report("boom")
        await console.until("◌ edit waiting  rev 1 of 2")
        await _deliver(core, alert_id, DeliveryState.FAILED, 1, "Missing Permissions [50013]")
        await console.until("✗ failed: Missing Permissions [50013]", "1 failed")


async def test_the_card_s_keys_act(operator: Operator, core: Core, config: Config, report: Report) -> None:
    alert_id = await report("boom")
    async with console_on(_set_up(config), operator) as console:
        await console.press("3")
        await console.until("boom", "a Acknowledge")
        await console.press("a")
        await console.until("Acknowledged ✓", "acknowledged by")
        assert (await operator.alert(alert_id)).row.state is State.ACKNOWLEDGED


async def test_a_storm_shows_as_its_digest_and_a_call_beside_its_card(config: Config) -> None:
    routes = (route(mention=(ROLE,), escalate_after_minutes=15, escalate_to=(BOSS,)),)
    async with scene(with_routes(config, *routes, new_cards=2), SystemClock().now_ms()) as desk:
        for number in range(5):
            await desk.report(f"boom {number}", service="api")
        await desk.posted()
        async with console_on(desk.core.config, desk.operator) as console:
            await console.press("3")
            await console.until("3 more alerts in 1 s", "api 3", "2 cards", "empty: all in step")
            await desk.tick(15 * MINUTE_MS)
            await console.until("6 waiting")
            await console.press("1")
            await console.until("told among others, in digest-1", "not called: these were")


async def test_a_key_gives_what_is_told_in_a_digest_its_own_card(config: Config) -> None:
    async with scene(with_routes(config, new_cards=1), SystemClock().now_ms()) as desk:
        for number in range(3):
            await desk.report(f"boom {number}")
        async with console_on(desk.core.config, desk.operator) as console:
            await console.until("told among others, in digest-1")
            await console.press("D")
            await console.until("post waiting")
        [card] = await desk.deliveries(What.CARD, 3)
        assert card.state is DeliveryState.PENDING


async def test_not_set_up_says_what_to_set(operator: Operator, config: Config) -> None:
    without = msgspec.structs.replace(config, discord=DiscordConfig())
    async with console_on(without, operator, size=(80, 24)) as console:
        await console.press("3")
        await console.until("not set up", "DISCORD_BOT_TOKEN")

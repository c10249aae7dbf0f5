"""A real interactions.py client on a simulated Discord, with one command or component for each kind of answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import interactions as ipy
from interactions.api.http.route import Route

from jinkies.simulators.discord import SimulatedDiscord


class Commands(ipy.Extension):
    """``/ping``, ``/diagnose``, ``/whisper``; buttons that update, defer, acknowledge silently or show a form."""

    @ipy.slash_command(name="ping", description="Answers at once, to everyone")
    async def ping(self, ctx: ipy.SlashContext) -> None:
        await ctx.send("pong")

    @ipy.slash_command(name="diagnose", description="Defers, then answers with buttons")
    @ipy.slash_option("service", "Which service", ipy.OptionType.STRING, required=True, autocomplete=True)
    async def diagnose(self, ctx: ipy.SlashContext, service: str) -> None:
        await ctx.defer()
        await ctx.send(f"diagnosis of {service}", embeds=card("Root cause"), components=buttons())

    @diagnose.autocomplete("service")
    async def complete(self, ctx: ipy.AutocompleteContext) -> None:
        await ctx.send([name for name in ("checkout-api", "billing") if name.startswith(ctx.input_text)])

    @ipy.slash_command(name="whisper", description="Defers and follows up, for one person only")
    async def whisper(self, ctx: ipy.SlashContext) -> None:
        await ctx.defer(ephemeral=True)
        await ctx.send("first", ephemeral=True)
        await ctx.send("second", ephemeral=True)

    @ipy.slash_command(name="silent", description="Never answers")
    async def silent(self, ctx: ipy.SlashContext) -> None:
        return None

    @ipy.slash_command(
        name="logs", description="Has subcommands", sub_cmd_name="tail", sub_cmd_description="Follows somebody's logs"
    )
    @ipy.slash_option("service", "Which service", ipy.OptionType.STRING, required=True, autocomplete=True)
    @ipy.slash_option("whose", "Whose logs", ipy.OptionType.USER)
    @ipy.slash_option("limit", "How many", ipy.OptionType.INTEGER, min_value=1, max_value=50)
    async def tail(self, ctx: ipy.SlashContext, service: str, whose: ipy.Member | None = None, limit: int = 5) -> None:
        name = "nobody" if whose is None else whose.display_name
        await ctx.send(f"{limit} of {service} for {name} asked by {ctx.author.display_name}")

    @tail.autocomplete("service")
    async def complete_tail(self, ctx: ipy.AutocompleteContext) -> None:
        others = ",".join(f"{name}={value}" for name, value in ctx.kwargs.items() if name != "service")
        await ctx.send([f"{ctx.input_text} {others}"])

    @ipy.message_context_menu(name="Make this an alert")
    async def make_alert(self, ctx: ipy.ContextMenuContext) -> None:
        target = ctx.target
        assert isinstance(target, ipy.Message)
        await ctx.send_modal(
            ipy.Modal(
                ipy.ParagraphText(label="What", custom_id="what", value=target.content or "nothing"),
                ipy.ShortText(label="Note", custom_id="note", required=False),
                title="An alert",
                custom_id="jk:make:7",
            )
        )

    @ipy.modal_callback("jk:make:7")
    async def made(self, ctx: ipy.ModalContext, what: str, note: str) -> None:
        await ctx.defer(ephemeral=True)
        await ctx.send(f"made of {what!r}, {note!r}")

    @ipy.component_callback("jk:snooze:42")
    async def snooze(self, ctx: ipy.ComponentContext) -> None:
        await ctx.send(f"snoozed for {', '.join(map(str, ctx.values))}", ephemeral=True)

    @ipy.component_callback(re.compile(r"^jk:ack:\d+:[0-9a-f]{8}$"))
    async def acknowledge(self, ctx: ipy.ComponentContext) -> None:
        await ctx.edit_origin(content=f"acknowledged by {ctx.author.username}", components=[])

    @ipy.component_callback(re.compile(r"^jk:slow:\d+$"))
    async def slow(self, ctx: ipy.ComponentContext) -> None:
        await ctx.defer(edit_origin=True)
        await ctx.edit_origin(content="slow done", components=[])

    @ipy.component_callback(re.compile(r"^jk:deny:\d+$"))
    async def deny(self, ctx: ipy.ComponentContext) -> None:
        await ctx.send("not for you", ephemeral=True)

    @ipy.component_callback(re.compile(r"^jk:why:\d+$"))
    async def why(self, ctx: ipy.ComponentContext) -> None:
        await ctx.send_modal(
            ipy.Modal(ipy.ShortText(label="Reason", custom_id="reason"), title="Why?", custom_id="jk:f:7")
        )

    @ipy.modal_callback(re.compile(r"^jk:f:\d+$"))
    async def because(self, ctx: ipy.ModalContext, reason: str) -> None:
        await ctx.send(f"because {reason}", ephemeral=True)


def card(title: str = "ZeroDivisionError") -> ipy.Embed:
    return ipy.Embed(
        title=title,
        description="division by zero",
        color=0xDA373C,
        fields=[ipy.EmbedField("Service", "checkout-api", inline=True), ipy.EmbedField("Count", "3", inline=True)],
        footer=ipy.EmbedFooter("#42"),
    )


def buttons() -> list[ipy.ActionRow]:
    return [
        ipy.ActionRow(
            ipy.Button(style=ipy.ButtonStyle.GREEN, label="Acknowledge", custom_id="jk:ack:42:0a1b2c3d"),
            ipy.Button(style=ipy.ButtonStyle.GRAY, label="Slow", custom_id="jk:slow:42"),
            ipy.Button(style=ipy.ButtonStyle.GRAY, label="Deny", custom_id="jk:deny:42"),
            ipy.Button(style=ipy.ButtonStyle.GRAY, label="Why", custom_id="jk:why:42"),
            ipy.Button(style=ipy.ButtonStyle.GRAY, label="Gone", custom_id="jk:gone:42", disabled=True),
        ),
        ipy.ActionRow(
            ipy.Button(style=ipy.ButtonStyle.LINK, label="Runbook", url="https://example.com/runbook"),
        ),
    ]


def snoozing() -> list[ipy.ActionRow]:
    times = [ipy.StringSelectOption(label=f"{hours} h", value=f"{hours}h") for hours in (1, 4, 24)]
    return [ipy.ActionRow(ipy.StringSelectMenu(*times, custom_id="jk:snooze:42", placeholder="Snooze"))]


def text_channel(bot: ipy.Client, sim: SimulatedDiscord, name: str = "alerts") -> ipy.GuildText:
    place = sim.world.channel(name)
    assert place is not None
    channel = bot.get_channel(int(place.id))
    assert isinstance(channel, ipy.GuildText)
    return channel


@asynccontextmanager
async def connected(
    sim: SimulatedDiscord, intents: ipy.Intents = ipy.Intents.GUILDS, *, token: str | None = None
) -> AsyncIterator[ipy.Client]:
    """A client that is ready; ended by cancelling its task, since ``Client.stop()`` of 5.16 spins."""
    before, Route.BASE = Route.BASE, sim.api_url
    bot = ipy.Client(
        token=token or sim.token,
        intents=intents,
        send_command_tracebacks=False,
        disable_dm_commands=True,
        sync_interactions=True,
    )
    Commands(bot)
    running = asyncio.create_task(bot.astart(), name="interactions.py")
    ready = asyncio.create_task(bot.wait_until_ready(), name="ready")
    try:
        await asyncio.wait({running, ready}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        assert ready.done(), "the client did not become ready"
        yield bot
    finally:
        for task in (running, ready):
            task.cancel()
        await asyncio.wait({running, ready}, timeout=30)
        await bot.http.close()
        Route.BASE = before

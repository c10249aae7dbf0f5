"""What a delivery looks like in Discord: the card of an alert, a call, or a digest. Pure."""

from __future__ import annotations

import msgspec

from bot.custom_ids import CustomId, epoch8, listing, own_card
from bot.render import (
    BUTTON_PRIMARY,
    BUTTON_SECONDARY,
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    AllowedMentions,
    Button,
    Embed,
    Message,
    Row,
    Select,
    SelectOption,
    alert_message,
)
from bot.text import escaped, plain_label
from jinkies import cards
from jinkies.cards import CardAction
from jinkies.model import AlertDetail, Delivery, Digest, State, What


class Showing(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown."""

    message: Message
    content: str = ""  # of the first post only: an edit never pings, and leaves it alone
    pings: AllowedMentions = AllowedMentions(parse=())
    revision: int  # of the delivery that this shows
    edited: bool = True  # False: posted once, and left as it is


def showing(delivery: Delivery, detail: AlertDetail, *, epoch: str, link: str | None) -> Showing:
    """How a delivery is shown.

    Args:
        delivery: what is wanted.
        detail: its alert, as it is now.
        epoch: of the journal.
        link: to the message that a call is about; None: there is none yet.
    """
    if delivery.what is What.CALL:
        return _call(delivery, detail, epoch, link)
    if delivery.digest is not None:
        message = digest_message(delivery, delivery.digest, epoch=epoch)
        return Showing(
            message=message,
            content=_names(delivery.mentions),
            pings=allowed(delivery.mentions),
            revision=delivery.wanted_revision,
        )
    waits = detail.row.state is State.OPEN and detail.row.silenced_by is None  # nobody is called to what is in hand
    mentions = delivery.mentions if waits else ()
    return Showing(
        message=alert_message(detail, epoch=epoch),
        content=_names(mentions),
        pings=allowed(mentions),
        revision=detail.row.revision,
    )


def allowed(mentions: tuple[str, ...]) -> AllowedMentions:
    """Exactly those may be pinged. Discord's ``everyone`` stands for @here too."""

    def ids(kind: str) -> tuple[str, ...]:
        return tuple(who.removeprefix(f"{kind}:") for who in mentions if who.startswith(f"{kind}:"))

    all_here = {"here", "everyone"} & set(mentions)
    return AllowedMentions(parse=("everyone",) if all_here else (), roles=ids("role"), users=ids("user"))


def _names(mentions: tuple[str, ...]) -> str:
    """Who is called, as Discord reads it."""
    forms = {"role": "<@&{}>", "user": "<@{}>", "here": "@here", "everyone": "@everyone"}
    parts = (who.partition(":") for who in mentions)
    return " ".join(forms[kind].format(number) for kind, _, number in parts)


def _call(delivery: Delivery, detail: AlertDetail, epoch: str, link: str | None) -> Showing:
    row = detail.row
    words = f"#{row.alert_id} {escaped(row.title, 200)} · {escaped(row.service, 60)}: {escaped(delivery.text, 200)}"
    meant = CustomId(action=CardAction.ACKNOWLEDGE, alert_id=row.alert_id, epoch8=epoch8(epoch), kind=delivery.kind)
    button = Button(style=BUTTON_PRIMARY, label="Acknowledge", custom_id=str(meant))
    return Showing(
        message=Message(embeds=(), components=(Row(components=(button,)),)),
        content=" ".join(part for part in (_names(delivery.mentions), words, link) if part),
        pings=allowed(delivery.mentions),
        revision=delivery.wanted_revision,
        edited=False,
    )


def digest_message(delivery: Delivery, digest: Digest, *, epoch: str) -> Message:
    """The card of a digest, with a button that lists what waits, and a select that gives an alert its own card."""
    worst = digest.worst[0].severity
    lines = [
        f"{cards.MARKS[one.severity]} **#{one.alert_id}** {escaped(one.title, 120)} · {escaped(one.service, 60)}"
        for one in digest.worst
    ]
    rest = digest.count - len(lines)
    more = [f"… and {rest:,} more"] if rest > 0 else []
    services = escaped(cards.digest_services(digest), 1_200)
    description = "\n".join([services, "", "The worst:", *lines, *more])
    return Message(
        embeds=(
            Embed(
                title=escaped(cards.digest_title(digest), TITLE_LIMIT),
                description=description[:DESCRIPTION_LIMIT],
                color=cards.SEVERITY_COLOURS[worst],
            ),
        ),
        components=_of_digest(delivery, digest, epoch),
    )


def _of_digest(delivery: Delivery, digest: Digest, epoch: str) -> tuple[Row, ...]:
    listed = listing(delivery.alert_id, epoch, delivery.kind)
    button = Button(style=BUTTON_SECONDARY, label="List what is open", custom_id=listed)
    options = tuple(
        SelectOption(label=plain_label(f"#{one.alert_id} {one.title}", 100), value=str(one.alert_id))
        for one in digest.worst
    )
    chosen = own_card(delivery.alert_id, epoch, delivery.kind)
    select = Select(custom_id=chosen, placeholder="Post the card of…", options=options)
    return Row(components=(button,)), Row(components=(select,))

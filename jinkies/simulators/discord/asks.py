"""What may be posted to the control API under ``/_sim/``: one struct an action.

Users, channels and threads are named by id or by name.
"""

from __future__ import annotations

import msgspec


class Press(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/press. ``user`` is an id or a name."""

    message_id: str
    custom_id: str
    user: str = "velma"
    values: tuple[str, ...] = ()
    wait_s: float = 5.0


class Slash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/slash. ``options`` are values by name; ``channel`` is an id or a name."""

    name: str
    options: dict[str, str | int | float | bool] = {}
    user: str = "velma"
    channel: str = "alerts"
    wait_s: float = 5.0


class Modal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/modal: fill in the form that the bot last showed this user."""

    custom_id: str
    fields: dict[str, str | list[str]]
    user: str = "velma"
    wait_s: float = 5.0


class Dismiss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/dismiss: close a form without sending it."""

    custom_id: str
    user: str = "velma"


class Menu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/menu: a context menu command on a message (its id) or on a member (id or name)."""

    name: str
    target: str
    user: str = "velma"
    channel: str = "alerts"
    wait_s: float = 5.0


class Autocomplete(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/autocomplete: type into an option; ``others`` are filled in already."""

    name: str
    option: str
    typed: str
    others: dict[str, str | int | float | bool] = {}
    user: str = "velma"
    channel: str = "alerts"


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/say: a person posts a message, in a channel or a thread."""

    content: str
    user: str = "velma"
    channel: str = "alerts"
    reply_to: str | None = None


class StartThread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/thread: a person makes a thread, of a message or in a channel."""

    name: str
    user: str = "velma"
    message_id: str | None = None
    channel: str = "alerts"


class Archive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/archive: a moderator archives a thread (id or name), or brings it back."""

    thread: str
    archived: bool = True
    locked: bool | None = None


class Forward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/forward: put the clock forward."""

    seconds: float


class Outage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/outage: Discord goes down (with ``status``: REST answers that), or comes back."""

    down: bool
    status: int | None = None


class DeleteMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/delete_message: a moderator deletes it."""

    message_id: str


class GatewayAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /_sim/gateway.

    ``action``: ``reconnect`` (op 7), ``invalidate`` (op 9), ``invalidate-resumable``, ``close`` (with ``code``; 0 cuts
    the connection), ``forget`` (resuming is refused), ``freeze`` (open, and nothing comes through), ``refuse`` (503 to
    new connections), ``accept`` (no longer).
    """

    action: str
    code: int = 1001

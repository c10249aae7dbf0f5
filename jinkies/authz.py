"""Who may do what: asked in the core, for every command, whatever frontend it came from."""

from __future__ import annotations

from jinkies.commands import (
    Acknowledge,
    AdvanceWatch,
    AnyCommand,
    Assign,
    Bulk,
    Comment,
    CreateIssue,
    CreatePullRequest,
    EndSilence,
    Expire,
    KeepTails,
    Merge,
    PauseChannelTail,
    RecordIssue,
    RecordPullRequest,
    Reopen,
    Report,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    Snooze,
    Split,
    StartChannelTail,
    StartSilence,
    StopChannelTail,
    Tick,
    Undo,
)
from jinkies.errors import Forbidden
from jinkies.matching import Op
from jinkies.model import Actor, ActorKind

_CORE_ONLY = (RecordPullRequest, RecordIssue, Expire, AdvanceWatch, KeepTails, Tick)
_DECISIONS = (Acknowledge, Resolve, Reopen, Snooze, Assign, Comment, Undo, Merge, Split, Bulk, StartSilence, EndSilence)
_TAILS = (StartChannelTail, PauseChannelTail, StopChannelTail)
_DISCORD_MAY = (*_DECISIONS, *_TAILS, CreatePullRequest, CreateIssue)  # a tail's grep could stall the core


def check(actor: Actor, command: AnyCommand, *, allowed_roles: tuple[str, ...]) -> None:
    """Raise ``Forbidden``, with one line that says why, unless the actor may do this.

    Args:
        actor: who asks, as the core derived it from the connection.
        command: what is asked.
        allowed_roles: Discord role ids of which an actor from Discord needs one; () asks for none.
    """
    match actor.kind:
        case ActorKind.SYSTEM:
            return
        case ActorKind.LOCAL:
            if isinstance(command, _CORE_ONLY):
                raise Forbidden(f"{_name(command)} is for the core itself")
        case ActorKind.INGEST:
            if not isinstance(command, ReportOccurrence | ReportRecovery | Report):
                raise Forbidden("an ingest token may only report occurrences")
        case ActorKind.DISCORD:
            if not isinstance(command, _DISCORD_MAY):
                raise Forbidden(f"{_name(command)} can't be asked for from Discord")
            if isinstance(command, StartSilence) and any(one.op in (Op.LIKE, Op.UNLIKE) for one in command.matchers):
                raise Forbidden("a silence with regular expressions can't be started from Discord")
            if isinstance(command, StartChannelTail) and command.spec.grep:  # it runs in the core, and could stall it
                raise Forbidden("a tail with a regular expression can't be started from Discord")
            if allowed_roles and not set(allowed_roles) & set(actor.roles):
                raise Forbidden(f"{actor.name} has none of the roles that may do this")


def _name(command: AnyCommand) -> str:
    return str(command.__struct_config__.tag).replace("_", " ")


def speaker(caller: Actor, on_behalf_of: Actor | None) -> Actor:
    """Who speaks: the caller, or the Discord user for whom the bot speaks.

    Raises ``Forbidden`` when somebody else than a local process claims to speak for another, or for anybody who is
    not a Discord user.
    """
    if on_behalf_of is None:
        return caller
    if caller.kind is not ActorKind.LOCAL or on_behalf_of.kind is not ActorKind.DISCORD:
        raise Forbidden("only the bot may speak for others, and only for Discord users")
    return on_behalf_of

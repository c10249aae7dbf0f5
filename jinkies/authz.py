"""Who may do what: asked in the core, for every command, whatever frontend it came from."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from jinkies.commands import (
    Acknowledge,
    AdvanceWatch,
    AnyCommand,
    Assign,
    Bulk,
    Command,
    Comment,
    CreateIssue,
    CreatePullRequest,
    EndSilence,
    Expire,
    KeepSearched,
    KeepTails,
    Merge,
    NoteRefusal,
    PauseChannelTail,
    RecordIssue,
    RecordOnGitHub,
    RecordPullRequest,
    Reopen,
    Report,
    ReportOccurrence,
    ReportRecovery,
    Resolve,
    ShowCard,
    Snooze,
    Split,
    StartChannelTail,
    StartSilence,
    StartTail,
    StopChannelTail,
    Tick,
    Undo,
)
from jinkies.errors import Forbidden
from jinkies.matching import Matcher, Op, Silence, is_literal
from jinkies.model import Actor, ActorKind, ChannelTail, TailSpec
from jinkies.permissions import Permission, Permissions

_CORE_ONLY = (RecordPullRequest, RecordIssue, RecordOnGitHub, Expire, AdvanceWatch, KeepTails, KeepSearched, Tick)
_NEEDED: dict[type[Command], Permission] = {  # what a Discord user needs; what is not here is not for them
    **dict.fromkeys(
        (Acknowledge, Resolve, Reopen, Snooze, Assign, Comment, Undo, Merge, Split, Bulk, ShowCard),
        Permission.ACKNOWLEDGE,
    ),
    StartSilence: Permission.SILENCE,
    EndSilence: Permission.SILENCE,
    CreatePullRequest: Permission.CREATE,
    CreateIssue: Permission.CREATE,
    ReportOccurrence: Permission.CREATE,
    **dict.fromkeys((StartTail, StartChannelTail, PauseChannelTail, StopChannelTail), Permission.TAIL),
}
_LIKE = (Op.LIKE, Op.UNLIKE)
ALL = None  # in place of a service: what concerns all of them


def check(actor: Actor, command: AnyCommand, *, rights: Permissions, services: tuple[str | None, ...] = ()) -> None:
    """Raise ``Forbidden``, with one line that says why, unless the actor may do this.

    Args:
        actor: who asks, as the core derived it from the connection.
        command: what is asked.
        rights: of actors from Discord.
        services: that the command concerns; ``ALL`` where it concerns all of them; () where it is not known.
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
            _check_discord(actor, command, rights, services)


def _check_discord(actor: Actor, command: AnyCommand, rights: Permissions, services: tuple[str | None, ...]) -> None:
    if isinstance(command, NoteRefusal):
        return
    permission = _NEEDED.get(type(command))
    if permission is None:
        raise Forbidden(f"{_name(command)} can't be asked for from Discord")
    if isinstance(command, StartSilence) and any(
        one.op in _LIKE and not is_literal(one.value) for one in command.matchers
    ):
        raise Forbidden("a silence with regular expressions can't be started from Discord")
    if (
        isinstance(command, StartTail | StartChannelTail) and command.spec.grep
    ):  # it runs in the core, and could stall it
        raise Forbidden("a tail with a regular expression can't be started from Discord")
    if not rights.somewhere(actor, permission) or not all(rights.may(actor, permission, one) for one in services):
        raise Forbidden(rights.why_not(actor, permission))


def concerned(
    command: AnyCommand,
    service_of: Callable[[int], str | None],
    silences: Mapping[int, Silence],
    tails: Mapping[int, ChannelTail],
    declared: Container[str],
) -> tuple[str | None, ...]:
    """The services that a command concerns; () where what it names is not there.

    Args:
        command: what is asked.
        service_of: gives an alert's service; None: there is no such alert.
        silences: that run or are to come.
        tails: those of channels that are held.
        declared: services of the configuration; any other target of a tail is a log group.
    """
    match command:
        case ReportOccurrence(service=service):
            return (service,)
        case StartSilence(matchers=matchers):
            return silenced_services(matchers)
        case EndSilence(silence_id=silence_id):
            return silenced_services(silences[silence_id].matchers) if silence_id in silences else ()
        case StartTail(spec=spec) | StartChannelTail(spec=spec):
            return tailed_services(spec, declared)
        case PauseChannelTail(number=number) | StopChannelTail(number=number):
            return tailed_services(tails[number].spec, declared) if number in tails else ()
        case Merge(alert_id=alert_id, into=into):
            ids: tuple[object, ...] = (alert_id, into)
        case _:
            ids = (getattr(command, "alert_id", None),)
    found = (service_of(one) for one in ids if isinstance(one, int))
    return tuple(service for service in found if service is not None)


def tailed_services(spec: TailSpec, declared: Container[str]) -> tuple[str | None, ...]:
    """The services whose lines a tail shows; a log group is nobody's in particular: who may follow one may all."""
    return tuple(one if one in declared else ALL for one in spec.targets)


def silenced_services(matchers: tuple[Matcher, ...]) -> tuple[str | None, ...]:
    """Which services a silence may keep quiet: those that it names, else ``ALL``."""
    named = tuple(one.value for one in matchers if one.field == "service" and one.op is Op.IS)
    return named or (ALL,)


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

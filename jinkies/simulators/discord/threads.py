"""Threads: made from a message or without one, joined, spoken in, archived by hand or by idleness, brought back.

What Discord's documentation ("Threads") says of them: a thread made from a message has that message's id; an archived
one takes no edits and no commands, only deletions; a message wakes it unless it is locked; idleness is counted from the
last message, from waking and from a change of the time after which it archives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jinkies.clock import Clock
from jinkies.simulators.discord import errors
from jinkies.simulators.discord.messages import timestamp
from jinkies.simulators.discord.world import Json

PUBLIC, PRIVATE = 11, 12
DEFAULT_ARCHIVE_MIN = 4_320
MOST_ACTIVE = 1_000  # Discord: active threads in a guild


@dataclass
class Thread:
    """One thread; times are milliseconds since the Unix epoch, ``members`` are user ids and when they joined."""

    id: str
    guild_id: str
    parent_id: str
    name: str
    owner_id: str
    kind: int
    created_at_ms: int
    archive_after_min: int = DEFAULT_ARCHIVE_MIN
    slow_mode_s: int = 0
    invitable: bool = True
    archived: bool = False
    locked: bool = False
    archive_changed_at_ms: int = 0
    active_at_ms: int = 0
    last_message_id: str | None = None
    message_count: int = 0
    total_message_sent: int = 0
    members: dict[str, int] = field(default_factory=dict)


def thread_object(thread: Thread, viewer_id: str) -> Json:
    """A ``ThreadResponse`` as ``viewer_id`` gets it: with its own membership, if it has one."""
    shown: Json = {
        "id": thread.id,
        "type": thread.kind,
        "guild_id": thread.guild_id,
        "parent_id": thread.parent_id,
        "owner_id": thread.owner_id,
        "name": thread.name,
        "last_message_id": thread.last_message_id,
        "last_pin_timestamp": None,
        "rate_limit_per_user": thread.slow_mode_s,
        "bitrate": 64_000,
        "user_limit": 0,
        "rtc_region": None,
        "flags": 0,
        "thread_metadata": _metadata(thread),
        "message_count": thread.message_count,
        "member_count": min(len(thread.members), 50),
        "total_message_sent": thread.total_message_sent,
    }
    if viewer_id in thread.members:
        shown["member"] = member_of(thread, viewer_id)
    return shown


def _metadata(thread: Thread) -> Json:
    metadata: Json = {
        "archived": thread.archived,
        "archive_timestamp": timestamp(thread.archive_changed_at_ms),
        "auto_archive_duration": thread.archive_after_min,
        "locked": thread.locked,
        "create_timestamp": timestamp(thread.created_at_ms),
    }
    if thread.kind == PRIVATE:
        metadata["invitable"] = thread.invitable
    return metadata


def member_of(thread: Thread, user_id: str) -> Json:
    """A ``ThreadMemberResponse``."""
    return {
        "id": thread.id,
        "user_id": user_id,
        "join_timestamp": timestamp(thread.members[user_id]),
        "flags": 0,
    }


class Threads:
    """Every thread of the guild, and what the gateway is told of them.

    Args:
        clock: the source of every time.
        guild_id: the guild's id.
        bot_id: whose memberships the gateway tells; those of others need a privileged intent.
        tell: takes an event's name, its data, and the channel in which it happened.
    """

    def __init__(self, clock: Clock, guild_id: str, bot_id: str, tell: Callable[[str, Json, str], None]) -> None:
        self.all: dict[str, Thread] = {}
        self._clock = clock
        self._guild_id = guild_id
        self._bot_id = bot_id
        self._tell = tell

    def get(self, thread_id: str) -> Thread | None:
        """The thread with this id, or None."""
        return self.all.get(thread_id)

    def named(self, which: str) -> Thread | None:
        """The thread with this id, or the newest with this name, or None."""
        found = self.all.get(which)
        return found or next((each for each in reversed(self.all.values()) if each.name == which), None)

    def create(self, thread_id: str, parent_id: str, owner_id: str, kind: int, wanted: Json) -> Thread:
        """Make a thread for a checked body.

        Raises:
            ApiError: 160006 when the guild has as many active ones as it may.
        """
        if len(self.active()) >= MOST_ACTIVE:
            raise errors.too_many_threads()
        now_ms = self._clock.now_ms()
        thread = Thread(thread_id, self._guild_id, parent_id, str(wanted["name"]).strip(), owner_id, kind, now_ms)
        thread.archive_after_min = wanted.get("auto_archive_duration") or DEFAULT_ARCHIVE_MIN
        thread.slow_mode_s = wanted.get("rate_limit_per_user") or 0
        thread.invitable = wanted.get("invitable") is not False
        thread.archive_changed_at_ms = thread.active_at_ms = now_ms
        thread.members[owner_id] = now_ms
        self.all[thread_id] = thread
        self._tell("THREAD_CREATE", self.shown(thread) | {"newly_created": True}, parent_id)
        if owner_id == self._bot_id:
            self._tell_own(thread, joined=True)
        return thread

    def shown(self, thread: Thread) -> Json:
        """The thread as the bot gets it."""
        return thread_object(thread, self._bot_id)

    def change(self, thread: Thread, wanted: Json, *, manages: bool) -> Json:
        """Change what a checked body names.

        Raises:
            ApiError: 50083 when it is archived and this does not bring it back, 50013 without the permission.
        """
        unchanged = (("locked", thread.locked), ("rate_limit_per_user", thread.slow_mode_s))
        wanted = {key: value for key, value in wanted.items() if value is not None and (key, value) not in unchanged}
        if thread.archived and wanted.get("archived") is not False and wanted.keys() - {"locked"}:
            raise errors.thread_is_archived()
        own = thread.owner_id == self._bot_id
        waking = thread.archived and wanted.get("archived") is False
        strict = wanted.keys() & {"locked", "rate_limit_per_user"} or (waking and thread.locked)
        loose = wanted.keys() - {"archived"} or not waking
        if not manages and (strict or (loose and not own)):
            raise errors.missing_permissions()
        self._apply(thread, wanted)
        self._tell("THREAD_UPDATE", self.shown(thread), thread.parent_id)
        return self.shown(thread)

    def _apply(self, thread: Thread, wanted: Json) -> None:
        now_ms = self._clock.now_ms()
        thread.name = str(wanted.get("name") or thread.name).strip()
        thread.locked = bool(wanted.get("locked", thread.locked))
        thread.slow_mode_s = wanted.get("rate_limit_per_user", thread.slow_mode_s)
        thread.invitable = bool(wanted.get("invitable", thread.invitable))
        if "auto_archive_duration" in wanted:
            thread.archive_after_min = wanted["auto_archive_duration"]
            thread.archive_changed_at_ms = thread.active_at_ms = now_ms
        if wanted.get("archived", thread.archived) != thread.archived:
            thread.archived = bool(wanted["archived"])
            thread.archive_changed_at_ms = now_ms
            thread.active_at_ms = thread.active_at_ms if thread.archived else now_ms

    def archive(self, thread: Thread, *, archived: bool = True, locked: bool | None = None) -> None:
        """A moderator archives a thread, or brings it back; ``locked`` also locks or unlocks it."""
        self.change(thread, {"archived": archived, "locked": locked}, manages=True)

    def archive_idle(self) -> None:
        """Archive what has been idle for as long as its thread allows."""
        now_ms = self._clock.now_ms()
        for thread in self.active():
            if now_ms >= thread.active_at_ms + thread.archive_after_min * 60_000:
                self.archive(thread)

    def speak(self, thread: Thread, message: Json) -> None:
        """Count a message that was posted in it: its author joins, and an archived thread wakes."""
        if thread.archived:
            self.archive(thread, archived=False)
        thread.active_at_ms = self._clock.now_ms()
        thread.last_message_id = message["id"]
        if message["type"] in (0, 19, 20):
            message["position"] = thread.total_message_sent
            thread.message_count += 1
            thread.total_message_sent += 1
        self.join(thread, message["author"]["id"])

    def join(self, thread: Thread, user_id: str) -> None:
        """Become a member. The gateway tells of the bot's own memberships only."""
        if user_id not in thread.members:
            thread.members[user_id] = self._clock.now_ms()
            if user_id == self._bot_id:
                self._tell_own(thread, joined=True)

    def leave(self, thread: Thread, user_id: str) -> None:
        """Be a member no longer."""
        if thread.members.pop(user_id, None) is not None and user_id == self._bot_id:
            self._tell_own(thread, joined=False)

    def _tell_own(self, thread: Thread, *, joined: bool) -> None:
        data: Json = {"id": thread.id, "guild_id": thread.guild_id, "member_count": len(thread.members)}
        if joined:
            data["added_members"] = [member_of(thread, self._bot_id)]
        else:
            data["removed_member_ids"] = [self._bot_id]
        self._tell("THREAD_MEMBERS_UPDATE", data, thread.parent_id)

    def delete(self, thread: Thread) -> None:
        """Forget a thread; its messages are the caller's to forget."""
        del self.all[thread.id]
        gone: dict[str, Any] = {"id": thread.id, "parent_id": thread.parent_id, "type": thread.kind}
        self._tell("THREAD_DELETE", gone | {"guild_id": thread.guild_id}, thread.parent_id)

    def active(self) -> list[Thread]:
        """Those that are not archived, newest first."""
        return sorted((each for each in self.all.values() if not each.archived), key=_age, reverse=True)

    def of(self, channel_id: str, *, archived: bool, kind: int = PUBLIC) -> list[Thread]:
        """A channel's archived or active threads of one kind, those archived last first."""
        found = (each for each in self.all.values() if each.parent_id == channel_id and each.kind == kind)
        return sorted((each for each in found if each.archived is archived), key=_archived_at, reverse=True)


def _age(thread: Thread) -> int:
    return int(thread.id)


def _archived_at(thread: Thread) -> int:
    return thread.archive_changed_at_ms

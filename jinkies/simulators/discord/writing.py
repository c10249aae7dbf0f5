"""What people write in the simulated Discord: messages, threads, and what moderators do to them."""

from __future__ import annotations

from collections.abc import Sequence

from jinkies.simulators.discord import messages
from jinkies.simulators.discord.answers import Refused
from jinkies.simulators.discord.errors import ApiError
from jinkies.simulators.discord.files import Upload, check_sizes
from jinkies.simulators.discord.objects import member_object
from jinkies.simulators.discord.permissions import MANAGE_THREADS
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.threads import PRIVATE, PUBLIC, Thread
from jinkies.simulators.discord.validate import check_message
from jinkies.simulators.discord.world import Json, User

SERVED_AS = "cdn.invalid"  # the address of people's files before anybody asked over HTTP
FileParts = Sequence[tuple[str, bytes]]


class Writing:
    """Acts as members who write. Everyone is named by id or name, every channel and thread too.

    Args:
        state: the memory that it changes.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.host = SERVED_AS

    async def say(
        self, content: str, user: str, channel: str, *, reply_to: str | None = None, files: FileParts = ()
    ) -> Json:
        """Post a person's own message, in a channel or a thread; it wakes an archived thread.

        Args:
            content: the text.
            user: who writes.
            channel: where.
            reply_to: the id of a message that it answers, mentioning its author.
            files: names and contents.

        Raises:
            Refused: no such person, channel or message; too long; or the thread is locked or not theirs to see.
        """
        person, where = self.person(user), self.where(channel)
        self._check_thread(person, self._state.threads.get(where), writing=True)
        body = self._checked({"content": content})
        message = messages.new_message(
            self._state.world, self._state.new_id(), where, person, body, self._state.clock.now_ms()
        )
        message["attachments"] = self._kept(where, files)
        if not content.strip() and not files:
            raise Refused("an empty message cannot be sent")
        if reply_to is not None:
            messages.answer_to(message, self._message(reply_to), self._state.world)
        self._state.add(message)
        await self._state.touch()
        return message

    def _checked(self, body: Json) -> Json:
        try:
            return check_message(body)
        except ApiError as error:
            raise Refused(f"Discord would not send it: {error.body.get('errors')}") from None

    def _kept(self, where: str, files: FileParts) -> list[Json]:
        uploads = [Upload(number, name, data) for number, (name, data) in enumerate(files)]
        try:
            check_sizes(tuple(uploads))
        except ApiError:
            raise Refused("a file is too large") from None
        keep, new_id = self._state.files.keep, self._state.new_id
        return [keep(new_id(), self.host, where, upload, {}) for upload in uploads]

    async def change(self, message_id: str, content: str, user: str) -> Json:
        """Edit one's own message.

        Raises:
            Refused: no such message, or it is somebody else's.
        """
        person, message = self.person(user), self._message(message_id)
        if message["author"]["id"] != person.id:
            raise Refused(f"{person.name} did not write it")
        body = self._checked({"content": content})
        after = messages.edited(self._state.world, message, body, self._state.clock.now_ms())
        self._state.replace(after)
        await self._state.touch()
        return after

    async def delete(self, message_id: str) -> None:
        """A moderator deletes a message.

        Raises:
            Refused: there is none.
        """
        self._state.delete(self._message(message_id))
        await self._state.touch()

    async def type(self, user: str, channel: str) -> None:
        """Begin to type: told to sessions with the typing intent."""
        person, where = self.person(user), self.where(channel)
        data = {"channel_id": where, "user_id": person.id, "timestamp": self._state.clock.now_ms() // 1000}
        member = {"guild_id": self._state.world.guild_id, "member": member_object(person)}
        self._state.tell("TYPING_START", data | member, where)
        await self._state.touch()

    # Threads

    async def start_thread(
        self, name: str, user: str, *, message_id: str | None = None, channel: str = "alerts", private: bool = False
    ) -> Json:
        """Make a thread: from a message, or without one in a channel.

        Returns:
            The thread as the bot sees it; its ``id`` goes where a channel's does.

        Raises:
            Refused: no such message or channel, or the message has its thread.
        """
        person = self.person(user)
        source = None if message_id is None else self._message(message_id)
        where = self.where(channel) if source is None else source["channel_id"]
        place = self._state.place(where)
        if place is None or where in self._state.threads.all:
            raise Refused("a thread cannot hold threads")
        kind = PRIVATE if private and source is None else PUBLIC
        try:
            thread = self._state.start_thread(place, person, {"name": name}, source, kind)
        except ApiError as error:
            raise Refused(str(error)) from None
        await self._state.touch()
        return self._state.threads.shown(thread)

    async def archive(self, thread: str, *, archived: bool = True, locked: bool | None = None) -> None:
        """A moderator archives a thread (id or name), or brings it back; ``locked`` also locks or unlocks it.

        Raises:
            Refused: there is none.
        """
        self._state.threads.archive(self.thread(thread), archived=archived, locked=locked)
        await self._state.touch()

    async def delete_thread(self, thread: str) -> None:
        """A moderator deletes a thread with everything in it.

        Raises:
            Refused: there is none.
        """
        self._state.remove_thread(self.thread(thread))
        await self._state.touch()

    # Who and where

    def person(self, who: str) -> User:
        """The member with this id or name.

        Raises:
            Refused: there is none.
        """
        found = self._state.world.user(who)
        if found is None:
            raise Refused(f"no user {who!r} in the guild")
        return found

    def where(self, which: str) -> str:
        """The id of the channel or thread with this id or name.

        Raises:
            Refused: there is none.
        """
        found = self._state.world.channel(which) or self._state.threads.named(which)
        if found is None:
            raise Refused(f"no channel {which!r} in the guild")
        return found.id

    def thread(self, which: str) -> Thread:
        """The thread with this id or name.

        Raises:
            Refused: there is none.
        """
        found = self._state.threads.named(which)
        if found is None:
            raise Refused(f"no thread {which!r}")
        return found

    def _message(self, message_id: str) -> Json:
        if message_id not in self._state.messages:
            raise Refused(f"no message {message_id}")
        return self._state.messages[message_id]

    def _check_thread(self, person: User, thread: Thread | None, *, writing: bool = False) -> None:
        """Whether a person can see a thread, and act (an archived one takes nothing) or write (it wakes) in it."""
        if thread is None or self._state.world.permissions(person) & MANAGE_THREADS:
            return
        if thread.kind == PRIVATE and person.id not in thread.members:
            raise Refused(f"{person.name} cannot see the thread {thread.name!r}")
        if thread.archived and (thread.locked or not writing):
            raise Refused(f"the thread {thread.name!r} is archived")

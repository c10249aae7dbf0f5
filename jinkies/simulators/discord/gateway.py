"""The gateway: sessions over WebSockets, JSON in a zlib stream, resumed with replay.

Frames, opcodes and close codes are Discord's (gateway version 10, "Gateway" and "Opcodes and status codes"). Every
compressed message ends in a SYNC_FLUSH, since clients decompress one message at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from jinkies.simulators.discord.messages import as_read
from jinkies.simulators.discord.objects import guild_create_object, user_object
from jinkies.simulators.discord.permissions import VIEW_CHANNEL
from jinkies.simulators.discord.state import State
from jinkies.simulators.discord.world import Json

REPLAY_FRAMES = 5_000
OUTBOX_FRAMES = 10_000
KEPT_SESSIONS = 16
KEPT_PRESENCES = 100
MOST_SENT, SENT_WITHIN_S = 120, 60.0  # what a client may send before it is closed with 4008
MESSAGE_CONTENT = 1 << 15
PRIVILEGED_INTENTS = (1 << 1) | (1 << 8)  # members and presences: refused, as by default
INTENTS = (("MESSAGE_", 1 << 9), ("TYPING_", 1 << 11), ("THREAD_", 1 << 0), ("CHANNEL_", 1 << 0), ("GUILD_", 1 << 0))
"""Which intent a session needs for an event, by the start of its name; INTERACTION_CREATE needs none."""
CLOSE_S = 0.2
ENDING_CODES = (4007, 4009)


class Closed(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class Session:
    """What outlives a connection, so that a client can resume."""

    id: str
    intents: int
    seq: int = 0
    log: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAY_FRAMES))
    presence: Json | None = None
    connection: Connection | None = None


class Connection:
    """One WebSocket. Frames wait in a bounded outbox that a pump empties, so that nothing awaits a slow reader."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.path = request.path
        self.session: Session | None = None
        self.heartbeats = 0
        self.frozen = False  # open, and nothing comes through any more
        self.sent_at_s: deque[float] = deque(maxlen=MOST_SENT)
        self._transport = request.transport
        self._socket = socket
        self._zlib = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._outbox: asyncio.Queue[Json | Closed] = asyncio.Queue(OUTBOX_FRAMES)

    def push(self, item: Json | Closed) -> None:
        """Queue a frame, or the closing of the connection; a reader this far behind is cut off."""
        if self.frozen and not isinstance(item, Closed):
            return
        try:
            self._outbox.put_nowait(item)
        except asyncio.QueueFull:
            self.abort()

    def abort(self) -> None:
        """Drop the TCP connection without a closing handshake."""
        if self._transport is not None:
            self._transport.abort()

    async def pump(self) -> None:
        """Send what is queued until the connection is to be closed or is lost."""
        with contextlib.suppress(ConnectionError):
            while True:
                item = await self._outbox.get()
                if isinstance(item, Closed):
                    await self._socket.close(code=item.code, message=str(item).encode())
                    self.abort()
                    return
                await self._send(item)

    async def _send(self, frame: Json) -> None:
        text = json.dumps(frame)
        if self._zlib is None:
            await self._socket.send_str(text)
        else:
            data = self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            await self._socket.send_bytes(data)


class Gateway:
    """All sessions and connections of the simulated gateway."""

    def __init__(self, state: State, token: str, *, heartbeat_interval_ms: int = 41_250) -> None:
        self.state = state
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.acknowledge_heartbeats = True
        self.refuse = False
        self.resumes = 0
        self.presences: deque[Json] = deque(maxlen=KEPT_PRESENCES)
        self.connections: set[Connection] = set()
        self.sessions: dict[str, Session] = {}
        self._token = token
        state.listener = self.dispatch

    @property
    def identifies(self) -> int:
        """How many sessions were begun."""
        return self.state.identifies

    @property
    def live(self) -> list[Session]:
        """The sessions that a client is connected to, after READY or RESUMED."""
        return [session for session in self.sessions.values() if session.connection is not None]

    @property
    def presence(self) -> Json | None:
        """What the bot last said of itself on a live session: its status and activities; None when it said nothing."""
        return next((session.presence for session in reversed(self.live) if session.presence is not None), None)

    def dispatch(self, event: str, data: Json) -> None:
        """Send an event to every session that wants it; one whose client is away gets it when it resumes."""
        needed = next((intent for start, intent in INTENTS if event.startswith(start)), 0)
        for session in self.sessions.values():
            if session.intents & needed != needed:
                continue
            read = data
            if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
                content = bool(session.intents & MESSAGE_CONTENT)
                read = as_read(data, self.state.world.application_id, content=content)
            self._record(session, event, read)

    def _record(self, session: Session, event: str, data: Json) -> None:
        session.seq += 1
        frame = {"op": 0, "t": event, "s": session.seq, "d": data}
        session.log.append(frame)
        if session.connection is not None:
            session.connection.push(frame)

    # Faults, on demand

    def request_reconnect(self) -> None:
        """Op 7: every client is asked to come back and resume."""
        for connection in self.connections:
            connection.push({"op": 7, "d": None, "s": None, "t": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9: every session is forgotten, and its client told to identify anew; a ``resumable`` one may come back."""
        for connection in self.connections:
            self._detach(connection)
            connection.session = None
            connection.push({"op": 9, "d": resumable, "s": None, "t": None})
        if not resumable:
            self.sessions.clear()

    def freeze(self) -> None:
        """Every connection becomes a zombie: it stays open, and nothing comes through it, no acknowledgement either.

        What happens meanwhile is replayed to a client that notices, reconnects and resumes.
        """
        for connection in self.connections:
            connection.frozen = True

    def cut_zombies(self) -> None:
        """Cut the connections that ``freeze`` left open, as a network does after a while."""
        for connection in [each for each in self.connections if each.frozen]:
            self._detach(connection)
            connection.abort()

    def ask_for_heartbeat(self) -> None:
        """Op 1: every client shall send a heartbeat at once."""
        for connection in self.connections:
            connection.push({"op": 1, "d": None, "s": None, "t": None})

    def close(self, code: int = 1001) -> None:
        """Close every connection with a code; 0 cuts them without a closing handshake.

        Sessions stay resumable, but for 4007 (invalid sequence) and 4009 (timed out), which end them.
        """
        if code in ENDING_CODES:
            self.forget()
        for connection in tuple(self.connections):
            self._detach(connection)
            if code == 0:
                connection.abort()
            else:
                connection.push(Closed(code, ""))

    def forget(self) -> None:
        """End every session without a word: whoever resumes is told op 9."""
        self.sessions.clear()

    async def shut_down(self) -> None:
        """End every connection, within a moment."""
        self.refuse = True
        self.close(WSCloseCode.GOING_AWAY)

    # Connections

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it ends."""
        if self.refuse:
            return web.Response(status=503)
        socket = web.WebSocketResponse(compress=False, timeout=CLOSE_S, max_msg_size=64 * 1024)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self.connections.add(connection)
        connection.push({"op": 10, "d": {"heartbeat_interval": self.heartbeat_interval_ms}, "s": None, "t": None})
        pump = asyncio.create_task(connection.pump(), name="gateway pump")
        try:
            await self._read(connection, socket, request.host)
        finally:
            self.connections.discard(connection)
            if self._detach(connection) and socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
                self._forget(connection)  # a client that says goodbye cannot resume
            pump.cancel()
            await asyncio.wait({pump})
            await self.state.touch()
        return socket

    def _detach(self, connection: Connection) -> bool:
        """Part a connection from its session; False when we had done so before."""
        if connection.session is None or connection.session.connection is not connection:
            return False
        connection.session.connection = None
        return True

    def _forget(self, connection: Connection) -> None:
        if connection.session is not None:
            self.sessions.pop(connection.session.id, None)

    async def _read(self, connection: Connection, socket: web.WebSocketResponse, host: str) -> None:
        async for message in socket:
            try:
                self._receive(connection, message, host)
            except Closed as closed:
                connection.push(closed)
            await self.state.touch()

    def _receive(self, connection: Connection, message: WSMessage, host: str) -> None:
        try:
            frame = json.loads(message.data) if message.type is WSMsgType.TEXT else None
        except ValueError:
            frame = None
        if not isinstance(frame, dict) or not isinstance(frame.get("op"), int):
            raise Closed(4002, "Error while decoding payload.")
        operation, data = frame["op"], frame.get("d")
        if connection.frozen:
            return
        self._count(connection)
        if operation == 1:
            self._heartbeat(connection)
        elif operation == 2:
            self._identify(connection, data, host)
        elif operation == 6:
            self._resume(connection, data)
        elif connection.session is None:
            raise Closed(4003, "Not authenticated.")
        elif operation == 3:
            self._present(connection.session, data)
        elif operation not in (4, 8, 31):
            raise Closed(4001, "Unknown opcode.")

    def _count(self, connection: Connection) -> None:
        now_s, sent = self.state.clock.monotonic_s(), connection.sent_at_s
        if len(sent) == MOST_SENT and now_s - sent[0] < SENT_WITHIN_S:
            raise Closed(4008, "Rate limited.")
        sent.append(now_s)

    def _present(self, session: Session, presence: Any) -> None:
        """Keep what the bot says of itself (op 3, or in its identify).

        Raises:
            Closed: 4002 when it is no presence.
        """
        activities = presence.get("activities") if isinstance(presence, dict) else None
        if not isinstance(activities, list) or presence.get("status") not in ("online", "idle", "dnd", "invisible"):
            raise Closed(4002, "Error while decoding payload.")
        if any(not isinstance(each, dict) or not 0 < len(str(each.get("name", ""))) <= 128 for each in activities):
            raise Closed(4002, "Error while decoding payload.")
        session.presence = presence
        self.presences.append(presence)

    def _heartbeat(self, connection: Connection) -> None:
        connection.heartbeats += 1
        if self.acknowledge_heartbeats:
            connection.push({"op": 11, "d": None, "s": None, "t": None})

    def _authenticate(self, connection: Connection, data: Any) -> Json:
        if connection.session is not None:
            raise Closed(4005, "Already authenticated.")
        token = str(data.get("token")).encode() if isinstance(data, dict) else b""
        if not secrets.compare_digest(token, self._token.encode()):
            raise Closed(4004, "Authentication failed.")
        return dict(data)

    def _identify(self, connection: Connection, data: Any, host: str) -> None:
        identity = self._authenticate(connection, data)
        intents = identity.get("intents")
        if not isinstance(intents, int) or not isinstance(identity.get("properties"), dict):
            raise Closed(4013, "Invalid intent(s).")
        refused = PRIVILEGED_INTENTS | (0 if self.state.world.message_content else MESSAGE_CONTENT)
        if intents & refused:
            raise Closed(4014, "Disallowed intent(s).")
        session = Session(secrets.token_hex(16), intents, connection=connection)
        if identity.get("presence"):
            self._present(session, identity["presence"])
        self._keep(session)
        connection.session = session
        self.state.identifies += 1
        self._record(session, "READY", self._ready(session, host))
        self._record(session, "GUILD_CREATE", self._guild())

    def _guild(self) -> Json:
        shown = self.state.threads.shown
        seen = (each for each in self.state.threads.active() if self.state.bot_permissions(each.id) & VIEW_CHANNEL)
        return guild_create_object(self.state.world) | {"threads": [shown(each) for each in seen]}

    def _ready(self, session: Session, host: str) -> Json:
        world = self.state.world
        return {
            "v": 10,
            "user": user_object(world.bot),
            "guilds": [{"id": world.guild_id, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": f"ws://{host}/gateway/resume",
            "application": {"id": world.application_id, "flags": 0},
            "session_type": "normal",
            "shard": [0, 1],
            "private_channels": [],
            "presences": [],
            "relationships": [],
            "user_settings": {},
        }

    def _keep(self, session: Session) -> None:
        self.sessions[session.id] = session
        for old in list(self.sessions.values())[:-KEPT_SESSIONS]:
            if old.connection is None:
                del self.sessions[old.id]

    def _resume(self, connection: Connection, data: Any) -> None:
        resume = self._authenticate(connection, data)
        session = self.sessions.get(str(resume.get("session_id")))
        seen = resume.get("seq")
        oldest = session.log[0]["s"] if session is not None and session.log else 1
        if session is None or not isinstance(seen, int) or seen + 1 < oldest:
            connection.push({"op": 9, "d": False, "s": None, "t": None})
            return
        if seen > session.seq:
            raise Closed(4007, "Invalid seq.")
        if session.connection is not None:
            session.connection.push(Closed(4000, "Resumed elsewhere."))
        for frame in session.log:
            if frame["s"] > seen:
                connection.push(frame)
        session.connection = connection
        connection.session = session
        self.resumes += 1
        self._record(session, "RESUMED", {})

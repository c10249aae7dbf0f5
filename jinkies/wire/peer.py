"""Who is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import os
import pwd
import socket
import struct
import sys

from jinkies.model import Actor, ActorKind

_LOCAL_PEERCRED = 1  # macOS, sys/un.h: getsockopt(SOL_LOCAL, LOCAL_PEERCRED) gives a struct xucred
_SOL_LOCAL = 0


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process that connected. Raises ``OSError`` where the kernel can't tell."""
    if sys.platform == "darwin":
        credentials = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, struct.calcsize("2I"))
        _version, uid = struct.unpack("2I", credentials[:8])
        return int(uid)
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return int(uid)


def may_attach(uid: int) -> bool:
    """The core's own user, and root, who could read the database anyway."""
    return uid in {os.geteuid(), 0}


def local_actor(uid: int | None = None) -> Actor:
    """The actor behind a user id of this machine; this process's own by default."""
    uid = os.geteuid() if uid is None else uid
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return Actor(kind=ActorKind.LOCAL, id=str(uid), name=name)

"""Files that came with messages: their sizes and names, and the addresses under which they can be fetched.

Discord's documentation ("Uploading Files"): a multipart request carries ``files[n]`` and ``payload_json``, whose
``attachments`` names each file by its number and each attachment that stays by its id; what it leaves out goes. A file
is at most 10 MiB, a message has at most ten.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections import OrderedDict
from typing import Any

import msgspec
from aiohttp import web

from jinkies.clock import Clock
from jinkies.simulators.discord import errors
from jinkies.simulators.discord.errors import FormErrors
from jinkies.simulators.discord.world import Json

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_FILES = 10
KEPT_BYTES = 256 * 1024 * 1024  # beyond this the oldest files are forgotten
LINK_LIFE_S = 24 * 3600
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


class Upload(msgspec.Struct, frozen=True):
    """One file of a multipart body: the ``n`` of its ``files[n]``, its name and what is in it."""

    number: int
    name: str
    data: bytes


class Kept(msgspec.Struct, frozen=True):
    """One file as it is served."""

    name: str
    data: bytes
    content_type: str | None


def stored_name(name: str) -> str:
    """A file's name as Discord keeps it: no folders, no spaces, nothing but word characters, dots and hyphens."""
    base = re.split(r"[/\\]", name)[-1].replace(" ", "_")
    return re.sub(r"[^\w.\-]", "", base)[-255:] or "unknown"


def content_type_of(name: str) -> str | None:
    """Its type by its extension, as Discord tells it; None for one that it does not know."""
    kind = "text/plain" if name.endswith((".log", ".ndjson")) else mimetypes.guess_type(name)[0]
    return f"{kind}; charset=utf-8" if kind is not None and kind.startswith("text/") else kind


class Files:
    """What was uploaded, by attachment id; the oldest go when it is more than ``KEPT_BYTES``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def keep(self, new_id: str, host: str, channel_id: str, upload: Upload, described: Json) -> Json:
        """Store one file.

        Returns:
            A ``MessageAttachmentResponse``. Its address is good for a day, as Discord's are.
        """
        name = stored_name(str(described.get("filename") or upload.name))
        kind = content_type_of(name)
        self._kept[new_id] = Kept(name, upload.data, kind)
        self._bytes += len(upload.data)
        while self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1].data)
        url = f"http://{host}/attachments/{channel_id}/{new_id}/{name}?{self._signed(new_id)}"
        attachment: Json = {"id": new_id, "filename": name, "size": len(upload.data), "url": url, "proxy_url": url}
        if kind is not None:
            attachment["content_type"] = kind
        if described.get("description"):
            attachment["description"] = str(described["description"])
        return attachment

    def data(self, attachment_id: str) -> bytes:
        """What is in a file.

        Raises:
            KeyError: there is none (any more).
        """
        return self._kept[attachment_id].data

    def _signed(self, attachment_id: str) -> str:
        now_s = self._clock.now_ms() // 1000
        return f"ex={now_s + LINK_LIFE_S:x}&is={now_s:x}&hm={_signature(attachment_id, now_s + LINK_LIFE_S)}"

    async def serve(self, request: web.Request) -> web.Response:
        """GET /attachments/{channel_id}/{attachment_id}/{name}: the file; 404 once the address is too old."""
        attachment_id = request.match_info["attachment_id"]
        kept = self._kept.get(attachment_id)
        until = request.query.get("ex", "")
        until_s = int(until, 16) if re.fullmatch("[0-9a-f]{1,12}", until) else 0
        signed = request.query.get("hm") == _signature(attachment_id, until_s)
        if kept is None or not signed or until_s * 1000 < self._clock.now_ms():
            return web.Response(status=404, text="This content is no longer available.", headers=HEADERS)
        kind = kept.content_type or "application/octet-stream"
        disposition = {"Content-Disposition": f'attachment; filename="{kept.name}"'}
        return web.Response(body=kept.data, headers=HEADERS | disposition | {"Content-Type": kind})


def _signature(attachment_id: str, until_s: int) -> str:
    return hashlib.sha256(f"{attachment_id} {until_s}".encode()).hexdigest()


def check_sizes(uploads: tuple[Upload, ...]) -> None:
    """Refuse a file that is too large.

    Raises:
        ApiError: 413, code 40005.
    """
    if any(len(upload.data) > MAX_FILE_BYTES for upload in uploads):
        raise errors.too_large()


def chosen(
    listed: list[Json] | None, uploads: tuple[Upload, ...], existing: list[Json], path: tuple[str, ...] = ()
) -> list[tuple[Json | Upload, Json]]:
    """Which attachments a message has after a request, in order: old ones and uploads, each with what was said of it.

    Args:
        listed: the body's ``attachments``; None when it has none, and everything stays.
        uploads: the files of the request.
        existing: what the message has.
        path: where the body stands in the request.

    Raises:
        ApiError: 50035 when something is listed that is neither there nor uploaded, or they are more than ten.
    """
    problems = FormErrors()
    found: list[tuple[Json | Upload, Json]] = []
    if listed is None:
        found += [(each, {}) for each in existing]
        found += [(each, {}) for each in uploads]
    else:
        known: dict[str, Any] = {str(upload.number): upload for upload in uploads}
        known |= {attachment["id"]: attachment for attachment in existing}
        for index, described in enumerate(listed):
            if str(described["id"]) in known:
                found.append((known[str(described["id"])], described))
            else:
                problems.add((*path, "attachments", index), "ATTACHMENT_NOT_FOUND", "Attachment data not found")
    if len(found) > MAX_FILES:
        problems.add((*path, "attachments"), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length.")
    problems.raise_if_any()
    return found

"""Discord's error answers: a status, a JSON error code, a message and, for a bad form, a tree of field errors.

Codes and messages are Discord's (its "JSON error codes" table and what its API is seen to answer).
"""

from __future__ import annotations

from jinkies.simulators.discord.world import Json


class ApiError(Exception):
    """An answer other than 2xx, in the body that Discord gives it."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


class FormErrors:
    """Collects what is wrong with a body, by path, and answers as Discord's 50035 does.

    A path is the tuple of keys and indexes that leads to the field: ``("embeds", 0, "fields", 3, "value")``.
    """

    def __init__(self) -> None:
        self._tree: Json = {}

    def __bool__(self) -> bool:
        return bool(self._tree)

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Record one fault of the field at ``path``."""
        node = self._tree
        for key in path:
            node = node.setdefault(str(key), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_if_any(self) -> None:
        """Raise Discord's 400 "Invalid Form Body" when anything was recorded.

        Raises:
            ApiError: 400, code 50035.
        """
        if self._tree:
            raise ApiError(400, 50035, "Invalid Form Body", self._tree)


def unauthorized() -> ApiError:
    """The token is missing or wrong."""
    return ApiError(401, 0, "401: Unauthorized")


def not_found() -> ApiError:
    """No such route."""
    return ApiError(404, 0, "404: Not Found")


def unknown_channel() -> ApiError:
    """No channel has this id."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    """No guild has this id."""
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    """No member of the guild has this id."""
    return ApiError(404, 10007, "Unknown Member")


def unknown_user() -> ApiError:
    """No user has this id."""
    return ApiError(404, 10013, "Unknown User")


def unknown_message() -> ApiError:
    """No message has this id, or it was deleted."""
    return ApiError(404, 10008, "Unknown Message")


def unknown_webhook() -> ApiError:
    """No interaction has this token, or it was not answered yet."""
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    """No such interaction, or its three seconds are over."""
    return ApiError(404, 10062, "Unknown interaction")


def already_acknowledged() -> ApiError:
    """The interaction has had its first answer."""
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def missing_access() -> ApiError:
    """The bot cannot see the channel."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """The bot may see the channel but not do this."""
    return ApiError(403, 50013, "Missing Permissions")


def not_the_author() -> ApiError:
    """A message may be edited only by who wrote it."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    """No content, embed, file or component."""
    return ApiError(400, 50006, "Cannot send an empty message")


def invalid_webhook_token() -> ApiError:
    """The interaction's fifteen minutes are over."""
    return ApiError(401, 50027, "Invalid Webhook Token")


def invalid_json() -> ApiError:
    """The body is no JSON."""
    return ApiError(400, 50109, "The request body contains invalid JSON.")


def thread_exists() -> ApiError:
    """The message already has its thread."""
    return ApiError(400, 160004, "A thread has already been created for this message")


def thread_is_archived() -> ApiError:
    """Only deletions happen in an archived thread, and messages that wake it."""
    return ApiError(400, 50083, "Thread is archived")


def thread_is_locked() -> ApiError:
    """A locked thread that is archived takes no message."""
    return ApiError(400, 160005, "Thread is locked")


def too_many_threads() -> ApiError:
    """The guild has as many active threads as it may."""
    return ApiError(400, 160006, "Maximum number of active threads reached")


def wrong_channel_type() -> ApiError:
    """What was asked is nothing that this kind of channel can do."""
    return ApiError(400, 50024, "Cannot execute action on this channel type")


def too_large() -> ApiError:
    """A file, or the whole request, is larger than Discord takes."""
    return ApiError(413, 40005, "Request entity too large")


def old_message() -> ApiError:
    """An old message was edited too often of late."""
    return ApiError(400, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later.")


def system_message() -> ApiError:
    """A message of Discord's own, which nobody may edit or delete."""
    return ApiError(403, 50021, "Cannot execute action on a system message")

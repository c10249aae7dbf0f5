"""How GitHub says no: the bodies of its REST errors, as its documentation and its answers show them."""

from __future__ import annotations

DOCS = "https://docs.github.com/rest"

_TYPE_NAMES = {str: "a string", int: "an integer", bool: "a boolean", list: "an array"}


class ApiError(Exception):
    """An error answer: ``{"message", "errors"?, "documentation_url", "status"}``."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: tuple[dict[str, str], ...] = (),
        docs: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.docs = docs
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        """The JSON object that goes out."""
        found: dict[str, object] = {"message": self.message}
        if self.errors:
            found["errors"] = list(self.errors)
        found["documentation_url"] = f"{DOCS}/{self.docs}" if self.docs else DOCS
        found["status"] = str(self.status)
        return found


def not_found(docs: str = "") -> ApiError:
    """What is missing and what may not be seen look the same."""
    return ApiError(404, "Not Found", docs=docs)


def validation_failed(resource: str, message: str, *, field: str = "", docs: str = "") -> ApiError:
    """422 with one ``custom`` error, or ``invalid`` for a field without a message."""
    error = {"resource": resource, "code": "custom" if message else "invalid"}
    if field:
        error["field"] = field
    if message:
        error["message"] = message
    return ApiError(422, "Validation Failed", errors=(error,), docs=docs)


def fields(
    body: object, *, required: dict[str, type], optional: dict[str, type] | None = None, docs: str = ""
) -> dict[str, object]:
    """The named fields of a request body; others are ignored, as GitHub does.

    Raises:
        ApiError: 400 for no object, 422 for a missing field or one of the wrong type.
    """
    if not isinstance(body, dict):
        raise ApiError(400, "Body should be a JSON object", docs=docs)
    for name in required:
        if name not in body:
            raise ApiError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.', docs=docs)
    found: dict[str, object] = {}
    for name, kind in (required | (optional or {})).items():
        if name not in body or (body[name] is None and name not in required):
            continue
        if type(body[name]) is not kind:
            message = f"Invalid request.\n\nFor 'properties/{name}', {body[name]!r} is not {_TYPE_NAMES[kind]}."
            raise ApiError(422, message, docs=docs)
        found[name] = body[name]
    return found

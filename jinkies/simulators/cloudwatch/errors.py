"""How CloudWatch Logs says no: AWS JSON 1.1 bodies, ``{"__type", "message"}``, with the service's own error names."""

from __future__ import annotations

import msgspec


class ServiceError(Exception):
    """An error answer. All of the service's own are HTTP 400, except where its description says ``fault``."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def body(self) -> bytes:
        """The JSON object that goes out; the permission system capitalises its member, the service does not."""
        member = "Message" if self.code == "AccessDeniedException" else "message"
        return msgspec.json.encode({"__type": self.code, member: self.message})


def invalid(message: str) -> ServiceError:
    """A parameter that the service refuses."""
    return ServiceError("InvalidParameterException", message)


def no_group() -> ServiceError:
    """A log group that does not exist."""
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def throttled() -> ServiceError:
    """Too many requests for this account and region."""
    return ServiceError("ThrottlingException", "Rate exceeded")


def denied(action: str) -> ServiceError:
    """Credentials without the permission."""
    who = "arn:aws:iam::123456789012:user/simulated"
    why = f"because no identity-based policy allows the logs:{action} action"
    return ServiceError("AccessDeniedException", f"User: {who} is not authorized to perform: logs:{action} {why}")


def over_limit() -> ServiceError:
    """More Live Tail sessions or queries than the account may have."""
    return ServiceError("LimitExceededException", "You have reached the maximum number of resources that can be used.")


def unavailable() -> ServiceError:
    """The service is failing."""
    return ServiceError("ServiceUnavailableException", "The service cannot complete the request.", status=503)

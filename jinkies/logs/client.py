"""The CloudWatch Logs client: aioboto3 with an own decoder on the hot path, and its errors translated once.

Importing this costs aioboto3's import (0.4 s): only ``service.py`` does it, when the first request is made.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import aioboto3
import aiobotocore.session
import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.parsers import AioResponseParserFactory
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from jinkies import __version__
from jinkies.config import AwsConfig, Config
from jinkies.errors import Invalid, JinkiesError, NotConfigured, UpstreamError
from jinkies.logs.descriptions import Descriptions
from jinkies.logs.fetch import Ask, Page
from jinkies.logs.levels import level_of
from jinkies.logs.targets import group_name, unknown
from jinkies.model import Level, LogEvent

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
ATTEMPTS = 3  # of one request, by the SDK's standard mode; beyond that the caller decides
CONNECTIONS = 20

_HOT_SHAPE = "FilterLogEventsResponse"
_FROM_HEAD = "startFromHead"
_BODY_KEY = "undecodedBody"
_THROTTLED_READING = "ThrottledReading"
_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "TooManyRequestsException",
        _THROTTLED_READING,
    }
)
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_BAD_KEYS = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "IncompleteSignature",
    }
)
_EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired"})
_NO_CREDENTIALS = (
    "no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
    "or give this machine a role"
)


_NAMES = {"log_stream": "logStreamName", "timestamp_ms": "timestamp", "ingestion_ms": "ingestionTime"}


class _Event(LogEvent, frozen=True, kw_only=True, gc=False, rename=_NAMES):
    """FilteredLogEvent of the service's description, where every member is optional; as bare as ``Ask.bare`` says."""

    log_stream: str = ""
    timestamp_ms: int = 0
    ingestion_ms: int = 0
    message: str = ""

    @property  # type: ignore[misc]  # mypy takes it for a dataclass; msgspec's structs let a property hide a field
    def level(self) -> Level:
        """Read each time; the field of this name is never set."""
        return level_of(self.message)


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    """FilterLogEventsResponse; its events are of the group's own subclass of ``_Event``."""

    events: tuple[_Event, ...] = ()
    next_token: str | None = None


class _Printable(_Event, frozen=True, kw_only=True, gc=False, rename=_NAMES):
    """Of a page that holds nothing else, which is seen at once: asking each message takes a tenth of printing it."""

    printable: ClassVar[bool] = True


@lru_cache(maxsize=64)
def _answers(log_group: str, kind: type[_Event]) -> msgspec.json.Decoder[_Answer]:
    """What decodes the answers of a group: its events are born with its name, which saves a copy of each."""
    event = msgspec.defstruct(
        "Event", [("log_group", str, log_group)], bases=(kind,), frozen=True, kw_only=True, gc=False, rename=_NAMES
    )
    events = tuple[event, ...]  # type: ignore[valid-type]  # made a line above
    answer = msgspec.defstruct("Answer", [("events", events, ())], bases=(_Answer,), frozen=True, rename="camel")
    return msgspec.json.Decoder(answer)


def _is_printable(body: bytes) -> bool:
    """Whether no text in some JSON holds anything but printable ASCII: JSON escapes what is below space.

    Escaped quotes are fine: a backslash that is not followed by a quote is more in one count than in the other.
    """
    if not body.isascii() or b"\x7f" in body:
        return False
    return b"\\" not in body or body.count(b"\\") == body.count(b'\\"')


def _decoded(body: bytes, log_group: str) -> _Answer:
    """One line with half a surrogate pair, or with bytes that are no UTF-8, must not stop all that come after it.

    Raises ``msgspec.DecodeError``.
    """
    answers = _answers(log_group, _Printable if _is_printable(body) else _Event)
    try:
        return answers.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            text = json.dumps(json.loads(body.decode(errors="replace")), ensure_ascii=False)
        except (ValueError, RecursionError):
            raise msgspec.DecodeError(str(error)) from None
        return _answers(log_group, _Event).decode(text.encode(errors="replace"))


def _untried(parsed: dict[str, Any]) -> dict[str, Any]:
    """Throttling under a name that the SDK doesn't know: it would try again at once, beside the budget."""
    error = parsed.get("Error", {})
    if error.get("Code") in _THROTTLED:
        error["Code"] = _THROTTLED_READING
    return parsed


class _Parser(Protocol):
    async def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]: ...


class _HotParser:
    """Leaves FilterLogEvents' answers to ``LogsClient.page``; all other shapes, and errors, go botocore's own way."""

    def __init__(self, usual: _Parser) -> None:
        self._usual = usual

    async def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # botocore's own types
        if getattr(shape, "name", None) != _HOT_SHAPE:
            return await self._usual.parse(response, shape)
        if response["status_code"] != 200:
            return _untried(await self._usual.parse(response, shape))
        headers = {name.lower(): value for name, value in response["headers"].items()}
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": headers, "RequestId": headers.get("x-amzn-requestid", "")}
        return {_BODY_KEY: response["body"], "ResponseMetadata": metadata}


class _ParserFactory:
    """The session's ``response_parser_factory`` component, with the one protocol of CloudWatch Logs wrapped."""

    def __init__(self) -> None:
        self._usual = AioResponseParserFactory()

    def set_parser_defaults(self, **defaults: Any) -> None:
        self._usual.set_parser_defaults(**defaults)

    def create_parser(self, protocol_name: str) -> _Parser:
        parser: _Parser = self._usual.create_parser(protocol_name)
        return _HotParser(parser) if protocol_name == "json" else parser


def _hold_back(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
    """``startFromHead`` came to FilterLogEvents in June 2026: an older SDK refuses what its description lacks."""
    if _FROM_HEAD in params and _FROM_HEAD not in model.input_shape.members:
        context[_FROM_HEAD] = params.pop(_FROM_HEAD)


def _add_held_back(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """What was held back, into the body: before it is signed."""
    if _FROM_HEAD in context:
        body = {**json.loads(params["body"]), _FROM_HEAD: context[_FROM_HEAD]}
        params["body"] = json.dumps(body).encode()


class LogsClient:
    """CloudWatch Logs as this program needs it: a ``PageSource``, and whether it answers at all."""

    def __init__(self, driver: Any, config: Config) -> None:  # aiobotocore builds the client's class at run time
        self._driver = driver
        self._config = config
        driver.meta.events.register("before-parameter-build.cloudwatch-logs.FilterLogEvents", _hold_back)
        driver.meta.events.register("before-call.cloudwatch-logs.FilterLogEvents", _add_held_back)

    async def page(self, ask: Ask, token: str | None = None, /) -> Page:
        """See ``PageSource.page``."""
        arguments: dict[str, Any] = {"startTime": max(0, ask.start_ms)}
        arguments["logGroupIdentifier" if ask.log_group.startswith("arn:") else "logGroupName"] = ask.log_group
        optional = {
            "endTime": ask.end_ms,
            "filterPattern": ask.pattern or None,
            "logStreamNames": list(ask.streams) or None,
            "nextToken": token,
            "startFromHead": False if ask.newest else None,
        }
        arguments.update((name, value) for name, value in optional.items() if value is not None)
        try:
            body = (await self._driver.filter_log_events(**arguments))[_BODY_KEY]
            answer = _decoded(body, group_name(ask.log_group))
        except DRIVER_ERRORS as error:
            if _is_missing(error) and "/" not in ask.log_group:  # more likely meant as a service's name
                raise Invalid(unknown(self._config, ask.log_group)) from error
            raise translate(error, "logs:FilterLogEvents", ask) from error
        return Page(events=answer.events if ask.bare else _whole(answer.events), token=answer.next_token)

    @property
    def region(self) -> str:
        """The region that is asked."""
        return str(self._driver.meta.region_name)

    async def answers(self) -> str:
        """Ask for one log group. Returns the region, and what else is worth saying; raises as ``page`` does."""
        region = self.region
        try:
            await self._driver.describe_log_groups(limit=1)
        except boto.ClientError as error:
            if error_code(error) in _DENIED:  # the keys were accepted: reading may still be allowed
                return f"{region}; logs:DescribeLogGroups is not allowed"
            raise translate(error, "logs:DescribeLogGroups", None) from error
        except DRIVER_ERRORS as error:
            raise translate(error, "logs:DescribeLogGroups", None) from error
        return region


@asynccontextmanager
async def open_client(config: Config) -> AsyncIterator[LogsClient]:
    """A client of the configured account. Raises ``NotConfigured`` for a profile or keys that can't work."""
    async with open_driver(config) as driver:
        yield LogsClient(driver, config)


@asynccontextmanager
async def open_driver(config: Config, *, connections: int = CONNECTIONS) -> AsyncIterator[Any]:
    """aioboto3's own client of CloudWatch Logs. Raises as ``open_client``."""
    aws = config.aws
    try:
        # Without TLS there is no use for the authorities, which take 20 ms to load.
        verify = False if (aws.endpoint_url or "").startswith("http://") else None
        manager = _session(aws).client(
            "logs", endpoint_url=aws.endpoint_url, verify=verify, config=_settings(aws, connections)
        )
        driver = await manager.__aenter__()
    except _OPENING_ERRORS as error:
        raise translate(error, "logs:FilterLogEvents", None) from error
    try:
        yield driver
    finally:
        await manager.__aexit__(None, None, None)


def translate(error: Exception, action: str, ask: Ask | None) -> JinkiesError:
    """What the SDK raised as one of ours, saying what to do. Never shows a key."""
    if isinstance(error, boto.ClientError):
        return _refusal(error, action, ask)
    if isinstance(error, boto.ProfileNotFound):
        return NotConfigured(f"AWS: {error}; set AWS_PROFILE to one that `aws configure list-profiles` shows")
    if isinstance(error, boto.NoRegionError):
        return NotConfigured("AWS: no region; set AWS_REGION")
    if isinstance(error, _CREDENTIAL_ERRORS):
        return NotConfigured(_credentials_hint(error))
    if isinstance(error, boto.ParamValidationError):
        return Invalid(f"CloudWatch can't be asked so: {_one_line(str(error))}")
    if isinstance(error, boto.EndpointConnectionError | boto.ConnectTimeoutError | boto.ProxyConnectionError):
        hint = "check the network, AWS_REGION and AWS_ENDPOINT_URL"
        return UpstreamError(f"CloudWatch is unreachable: {_one_line(str(error))}; {hint}", retry=True)
    if isinstance(error, boto.SSLError):
        return UpstreamError(f"CloudWatch's certificate is not trusted: {_one_line(str(error))}; see AWS_CA_BUNDLE")
    if isinstance(error, boto.HTTPClientError):
        return UpstreamError(f"CloudWatch did not answer: {_one_line(str(error))}", retry=True)
    if isinstance(error, ResponseParserError | msgspec.DecodeError):
        return UpstreamError(f"CloudWatch's answer makes no sense: {_one_line(str(error))}", retry=True)
    return NotConfigured(f"AWS: {_one_line(str(error))}")


def _refusal(error: boto.ClientError, action: str, ask: Ask | None) -> JinkiesError:
    code, group = error_code(error), ask.log_group if ask else "?"
    said = _one_line(str(error.response.get("Error", {}).get("Message", "")))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "ResourceNotFoundException":
        return UpstreamError(f"no log group {group} in this account and region")
    if code in _DENIED:
        return UpstreamError(f"access denied: these credentials need {action} on {group}")
    if code in _THROTTLED:
        return UpstreamError(
            f"CloudWatch is throttling {action}: too many requests for this account", retry=True, throttled=True
        )
    if code in _EXPIRED:
        return UpstreamError("the AWS credentials have expired: sign in again (aws sso login)")
    if code in _BAD_KEYS:
        return UpstreamError("AWS rejects these credentials: check the access key, its secret and the session token")
    if code == "InvalidParameterException":
        return Invalid(f"CloudWatch refuses the request: {said or code}; check the filter pattern and the times")
    if status >= 500 or code in {"ServiceUnavailableException", "InternalFailure"}:
        return UpstreamError(f"CloudWatch is failing just now ({status} {code})", retry=True)
    return UpstreamError(f"CloudWatch refuses {action}: {code} {said}")


def _is_missing(error: Exception) -> bool:
    return error_code(error) == "ResourceNotFoundException"


def error_code(error: Exception) -> str:
    """The service's own name for what went wrong; "" where it gave none."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def _credentials_hint(error: Exception) -> str:
    if isinstance(error, boto.NoCredentialsError):
        return _NO_CREDENTIALS
    if isinstance(error, boto.PartialCredentialsError):
        return "AWS keys are incomplete: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return f"AWS credentials could not be obtained: {_one_line(str(error))}; sign in again (aws sso login)"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


_CREDENTIAL_ERRORS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.MetadataRetrievalError,
)
DRIVER_ERRORS = (boto.BotoCoreError, boto.ClientError, ResponseParserError, msgspec.DecodeError)
_OPENING_ERRORS = (*DRIVER_ERRORS, ValueError, OSError)  # a malformed AWS_ENDPOINT_URL, a CA bundle that is not there


def _session(aws: AwsConfig) -> aioboto3.Session:
    core = aiobotocore.session.get_session()
    core.register_component("response_parser_factory", _ParserFactory())
    core.register_component("data_loader", Descriptions(core.get_component("data_loader")))
    secret, token = aws.secret_access_key, aws.session_token
    return aioboto3.Session(
        botocore_session=core,
        profile_name=aws.profile,
        region_name=aws.region,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=secret.reveal() if secret else None,
        aws_session_token=token.reveal() if token else None,
    )


def _settings(aws: AwsConfig, connections: int) -> AioConfig:
    settings = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": READ_TIMEOUT_S,
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        "max_pool_connections": connections,
        "user_agent_extra": f"jinkies/{__version__}",
    }
    if aws.endpoint_url:
        settings["inject_host_prefix"] = False  # a local endpoint has no "stream-" or "logs." beside it
    return AioConfig(**settings)


def _whole(events: tuple[_Event, ...]) -> tuple[LogEvent, ...]:
    return tuple(
        [
            LogEvent(
                log_group=event.log_group,
                log_stream=event.log_stream,
                timestamp_ms=event.timestamp_ms,
                ingestion_ms=event.ingestion_ms,
                message=event.message,
                level=event.level,
            )
            for event in events
        ]
    )

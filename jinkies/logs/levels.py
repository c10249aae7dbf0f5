"""The level of a log line, read from what common loggers write. Pure.

Where formats come from: Python's logging, Logback and Log4j, Node (pino, bunyan, winston, console), .NET's console
logger, glog and klog, nginx, syslog (RFC 5424 priorities), GELF, the lines that AWS Lambda writes itself, and access
lines, whose level is their status'.
"""

from __future__ import annotations

import re

import msgspec

from jinkies.model import Level
from jinkies.reading.access import COMMON_AT, FIRST, access_level, level_of_status
from jinkies.reading.masks import COLOURS, ESCAPE

PREFIX_CHARS = 200  # a level stands at the start of a line; further in it is prose
PREFIX_TOKENS = 9
PLAIN_WORDS = 1  # a logger's or host's name may stand before the level; two words are a sentence

_NAMES = {
    Level.DEBUG: "trace trce debug dbug dbg verbose silly fine finer finest",
    Level.INFO: "info information informational notice log http config",
    Level.WARNING: "warn warning warnings",
    Level.ERROR: "error err eror fail failed failure severe",
    Level.CRITICAL: "critical crit fatal alert emerg emergency panic dpanic",
}
_BY_NAME = {name: level for level, names in _NAMES.items() for name in names.split()}
_PROSE = frozenset({"log", "http", "config", "alert", "fine", "failed", "failure", "silly"})
_BARE = {name.upper(): level for name, level in _BY_NAME.items() if name not in _PROSE}  # as a word of its own
_SYSLOG = (*[Level.CRITICAL] * 3, Level.ERROR, Level.WARNING, Level.INFO, Level.INFO, Level.DEBUG)  # RFC 5424, 6.2.1
_GLOG = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.CRITICAL}

_GLOG_LINE = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_SYSLOG_LINE = re.compile(r"<(\d{1,3})>")
_LOGFMT = re.compile(r"(?:^|[\s,])(?:level|lvl|severity|loglevel)=[\"']?([A-Za-z]+)")
_EXCEPTION = re.compile(
    r"(?:Uncaught |Unhandled )?(?:[A-Za-z_$][\w$]*[./])*[A-Z]\w*(?:Error|Exception)(?::|\s*$)", re.MULTILINE
)
_FAILURES = (
    "Traceback (most recent call last)",
    "Exception in thread",
    "Task timed out after",  # AWS Lambda
    "Runtime exited with error",  # AWS Lambda
    "Process exited before completing request",  # AWS Lambda
)
_LAMBDA = (
    "START RequestId:",
    "END RequestId:",
    "REPORT RequestId:",
    "INIT_START ",
    "INIT_REPORT ",
    "RESTORE_",
    "EXTENSION\tName:",
    "TELEMETRY\tName:",
    "XRAY TraceId:",
)
_LAMBDA_JSON_FAILED = re.compile(rb'"status"\s*:\s*"(?:error|failure|timeout)"')
_RECORD_BYTES = 4_096
_LAMBDA_FAILED = ("Status: timeout", "Status: error")
_QUICK = re.compile(rf"[\[\d\s:.,TZ+/|-]{{0,60}}({'|'.join(_BARE)})(?=[\s\]:|]|$)")  # right behind a time stamp
_JAVA_UTIL = re.compile(r"[^\n]{10,200}\n(SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): ")  # its second line has it
_PUNCTUATION = "[](){}<>:|*,;-=\"'"


class _Fields(msgspec.Struct):
    """What loggers call the level, and what they call an exception; anything may be in them."""

    level: msgspec.Raw = msgspec.Raw()
    severity: msgspec.Raw = msgspec.Raw()
    levelname: msgspec.Raw = msgspec.Raw()
    lvl: msgspec.Raw = msgspec.Raw()
    dotted: msgspec.Raw = msgspec.field(name="log.level", default=msgspec.Raw())  # Elastic Common Schema
    otel: msgspec.Raw = msgspec.field(name="severityText", default=msgspec.Raw())  # OpenTelemetry
    upper: msgspec.Raw = msgspec.field(name="Level", default=msgspec.Raw())
    exception: msgspec.Raw = msgspec.Raw()
    exc_info: msgspec.Raw = msgspec.Raw()
    stack: msgspec.Raw = msgspec.Raw()
    stack_trace: msgspec.Raw = msgspec.Raw()
    error_type: msgspec.Raw = msgspec.field(name="errorType", default=msgspec.Raw())
    type: msgspec.Raw = msgspec.Raw()  # "platform.report" and others: Lambda's own lines, written as JSON
    record: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()  # of an access line, when there is a method or protocol beside it
    status_code: msgspec.Raw = msgspec.field(name="statusCode", default=msgspec.Raw())
    cloudfront_status: msgspec.Raw = msgspec.field(name="sc-status", default=msgspec.Raw())
    balancer_status: msgspec.Raw = msgspec.field(name="elb_status_code", default=msgspec.Raw())
    method: msgspec.Raw = msgspec.Raw()
    camel_method: msgspec.Raw = msgspec.field(name="httpMethod", default=msgspec.Raw())  # API Gateway
    route: msgspec.Raw = msgspec.field(name="routeKey", default=msgspec.Raw())
    protocol: msgspec.Raw = msgspec.Raw()
    nginx_method: msgspec.Raw = msgspec.field(name="request_method", default=msgspec.Raw())

    def named(self) -> tuple[msgspec.Raw, ...]:
        return (self.level, self.severity, self.levelname, self.lvl, self.dotted, self.otel, self.upper)

    def failed(self) -> bool:
        raised = (self.exception, self.exc_info, self.stack, self.stack_trace, self.error_type)
        return any(bytes(value) not in _EMPTY for value in raised if value)

    def platform(self) -> Level | None:
        """Of a line that Lambda writes itself: {"type":"platform.report","record":{"status":"timeout"}}."""
        if not bytes(self.type).startswith(b'"platform.'):
            return None
        return Level.ERROR if _LAMBDA_JSON_FAILED.search(bytes(self.record)[:_RECORD_BYTES]) else Level.INFO

    def accessed(self) -> Level | None:
        raw = self.cloudfront_status or self.balancer_status
        if not raw and (self.method or self.camel_method or self.route or self.protocol or self.nginx_method):
            raw = self.status or self.status_code
        text = bytes(raw).strip(b'"')
        return level_of_status(int(text)) if len(text) == 3 and text.isdigit() else None


_EMPTY = frozenset({b"", b"null", b"false", b'""', b"{}", b"[]"})
_FIELDS = msgspec.json.Decoder(_Fields)
_SCALAR = msgspec.json.Decoder(str | int | float)


def level_of(message: str) -> Level:
    """The level that a line names, else ``ERROR`` for an exception, else ``NONE``. Never raises."""
    if message.startswith("{"):
        level = _of_json(message)
        if level is not None:
            return level
    level = _of_prefix(message)
    if level is not None:
        return level
    if ESCAPE in message[:PREFIX_CHARS]:
        plain = COLOURS.sub("", message[: 2 * PREFIX_CHARS])
        return level_of(plain) if ESCAPE not in plain[:PREFIX_CHARS] else Level.NONE
    if "\n" in message and (second := _JAVA_UTIL.match(message)):
        return _BY_NAME[second[1].lower()]
    return Level.ERROR if _is_exception(message) else Level.NONE


def level_named(value: str) -> Level | None:
    """The level that a word stands for, in any case: ``warn``, ``SEVERE``, ``notice``; None for another word."""
    return _BY_NAME.get(value.strip().lower())


def _of_json(message: str) -> Level | None:
    """None when it is no JSON object after all."""
    try:
        fields = _FIELDS.decode(message)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    for raw in fields.named():
        if raw and (level := _of_value(raw)) is not None:
            return level
    if fields.failed():
        return Level.ERROR
    return fields.platform() or fields.accessed() or Level.NONE


def _of_value(raw: msgspec.Raw) -> Level | None:
    try:
        value = _SCALAR.decode(raw)
    except msgspec.DecodeError:
        return None
    if isinstance(value, str):
        return (
            _of_number(int(value)) if value.isascii() and value.isdecimal() and len(value) < 4 else level_named(value)
        )
    return _of_number(value)


def _of_number(value: float) -> Level | None:
    """Numbers of pino, bunyan and Python (10 to 60); below 10 those of syslog and GELF (0 is the worst)."""
    if 0 <= value < len(_SYSLOG):
        return _SYSLOG[int(value)]
    if value < 10:
        return None
    steps = ((60, Level.CRITICAL), (50, Level.ERROR), (40, Level.WARNING), (30, Level.INFO))
    return next((level for floor, level in steps if value >= floor), Level.DEBUG)


def _of_prefix(message: str) -> Level | None:
    if quick := _QUICK.match(message):
        return _BARE[quick[1]]
    head = message[:PREFIX_CHARS]
    if (head[:1] in FIRST or COMMON_AT in head) and (level := access_level(message)) is not None:
        return level
    if head.startswith(_LAMBDA):
        return Level.ERROR if any(text in message for text in _LAMBDA_FAILED) else Level.INFO
    if head.startswith("<") and (priority := _SYSLOG_LINE.match(head)):
        return _SYSLOG[int(priority[1]) % 8]
    if head[:1] in _GLOG and (glog := _GLOG_LINE.match(head)):
        return _GLOG[glog[1]]
    level = _of_tokens(head)
    if level is None and "=" in head and (logfmt := _LOGFMT.search(head)):
        level = level_named(logfmt[1])
    return level


def _of_tokens(head: str) -> Level | None:
    """The first word that is a level, behind time stamps, ids, brackets and at most one plain word."""
    plain = 0
    for token in head.split(None, PREFIX_TOKENS)[:PREFIX_TOKENS]:
        bare = token.strip(_PUNCTUATION)
        level = _BARE.get(bare)
        if level is not None:
            return level
        marked = token[0] in "[(<|" or token[-1] in ":|]"
        if marked:
            word = bare.partition(":")[0]  # Python's own "ERROR:root:text" too
            level = _BARE.get(word.upper()) if len(word) == len(bare) else _BARE.get(word)
            if level is not None:
                return level
        elif (first := token.partition(":")[0]) in _BARE and ":" in token:
            return _BARE[first]
        elif bare.isalpha():
            plain += 1
            if plain > PLAIN_WORDS + (bare.istitle() and len(bare) == 3):  # "Nov" of a date is no prose
                return None
    return None


def _is_exception(message: str) -> bool:
    for text in _FAILURES:  # a generator would cost more than what it looks for
        if text in message:
            return True
    return _EXCEPTION.match(message[:PREFIX_CHARS]) is not None

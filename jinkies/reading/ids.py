"""Request and trace ids in log lines: what leads from one line to all lines of its request. Pure.

Where the forms come from: AWS Lambda (``RequestId: …``, and its tab-separated prefix), AWS X-Ray
(``1-<8 hex>-<24 hex>``) and ``X-Amzn-Trace-Id`` (``Root=1-…``), W3C Trace Context (``traceparent``), CloudFront's
``x-edge-request-id``, API Gateway's execution log and Rails, which begin a line with the id in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinkies.reading.fields import flatten

MOST_IDS = 8
MOST_CHARS = 20_000  # of a line that are searched; JSON lines are read whole
LONGEST = 128  # characters of an id
SHORTEST = 4  # a shorter one is found in every other line too

_REQUEST, _CORRELATION, _TRACE, _POSITION = range(4)  # the most telling first
_NAMES = {
    _REQUEST: "requestid reqid req awsrequestid lambdarequestid xrequestid xamznrequestid xamzrequestid "
    "xedgerequestid xamzcfid httprequestid apigatewayrequestid",
    _CORRELATION: "correlationid xcorrelationid transactionid operationid invocationid",
    _TRACE: "traceid trace xtraceid xamzntraceid xraytraceid amzntraceid ddtraceid xb3traceid traceparent root",
}
_RANKS = {name: rank for rank, names in _NAMES.items() for name in names.split()}

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_XRAY = r"1-[0-9a-f]{8}-[0-9a-f]{24}"
_PAIR = re.compile(  # request_id=…, "traceId": "…", RequestId: …, [req:…]; with \" within JSON texts
    r"(?<![\w.\-])(?P<name>[A-Za-z][\w.\-]{1,39})\\?[\"']?(?:=|: ?)\\?[\"']?"
    r"(?:Root=)?(?P<value>[\w\-./+@]{1,160}={0,2})"
)
_WORD = re.compile(
    r"(?i:(?P<name>request|req|trace|correlation|transaction|invocation)(?:[ _-]?id)?)"
    rf"[^\w\n]{{1,4}}(?P<value>{_UUID})\b"
)
_BARE = re.compile(
    rf"(?<![\w-])(?:(?P<xray>{_XRAY})"
    r"|[0-9a-f]{2}-(?P<parent>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2})(?![\w-])"
)
_LAMBDA = re.compile(  # "[INFO]\t<time>\t<id>\t", "<time>\t<id>\tINFO\t", "<time> <id> Task timed out"
    rf"(?:\[[A-Z]{{4,8}}\][\t ])?\d{{4}}-\d\d-\d\dT[\d:.]{{8,18}}Z[\t ](?P<value>{_UUID})\b"
)
_TAGGED = re.compile(rf"[\[(](?P<value>{_UUID})[\])]")
_CLOUDFRONT = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t(?:[^\t]*\t){12}(?P<value>[\w\-=]{20,100})(?=\t|$)")
_ZEROS = re.compile(r"[0\-]+")
_ID = re.compile(rf"[\w\-.:/+=@]{{{SHORTEST},{LONGEST}}}", re.ASCII)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ROOT = re.compile(rf"Root=({_XRAY})")


def request_ids(message: str) -> tuple[str, ...]:
    """Request and trace ids of a line as they stand in it, the most telling first, each once, at most ``MOST_IDS``.

    Ids of requests come before those that several requests share (correlation), and these before traces'. Of a
    ``traceparent`` it is the trace's id, of ``X-Amzn-Trace-Id`` the root. () when there are none; never raises.
    """
    found = [(rank, text) for rank, raw in _candidates(message) if (text := _clean(raw)) is not None]
    found.sort(key=lambda one: one[0])  # stable: in the order of the line within a rank
    return tuple(dict.fromkeys(text for _, text in found))[:MOST_IDS]


def _candidates(message: str) -> Iterator[tuple[int, str]]:
    head = message[:MOST_CHARS]
    for form in (_LAMBDA, _CLOUDFRONT):
        if first := form.match(head):
            yield _REQUEST, first["value"]
    for key, value in flatten(message) or ():
        rank = _rank(key)
        if rank is not None:
            yield rank, value
    for found in _PAIR.finditer(head):
        rank = _rank(found["name"])
        if rank is not None:
            yield rank, found["value"]
    for found in _WORD.finditer(head):
        rank = _rank(f"{found['name']}id")
        if rank is not None:
            yield rank, found["value"]
    for found in _BARE.finditer(head):
        yield _TRACE, found["xray"] or found["parent"]
    if tagged := _TAGGED.match(head):
        yield _POSITION, tagged["value"]


def _rank(key: str) -> int | None:
    """Of a key, or of its last two parts: loggers write ``req.id`` and ``trace.id`` too."""
    parts = key.split(".")
    for name in (parts[-1], "".join(parts[-2:])):
        rank = _RANKS.get(name.replace("-", "").replace("_", "").replace(" ", "").lower())
        if rank is not None:
            return rank
    return None


def _clean(raw: str) -> str | None:
    """The id itself; None for what is no id: a word, a placeholder, a number of a few digits, an object."""
    text = raw.strip().strip("\"'")
    if (parent := _TRACEPARENT.fullmatch(text)) or (parent := _ROOT.search(text)):
        text = parent[1]
    text = text.rstrip(".:/,")
    if not _ID.fullmatch(text) or not any(character.isdigit() for character in text) or _ZEROS.fullmatch(text):
        return None
    return text

"""The HTTP status in access lines: what CloudFront, load balancers, nginx, Apache and API Gateway write. Pure.

Field orders are AWS's own: CloudFront's standard log file format, and the access log entries of Application,
Classic and Network Load Balancers. nginx and Apache: the common and the combined format, with or without the virtual
host before.
"""

from __future__ import annotations

import re

from jinkies.model import Level

_LONGEST_URL = 9_000  # characters
_BALANCED = re.compile(  # ALB: type, time, balancer, client, target, three durations, the balancer's status
    r"(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z [^ ]+ [^ ]+ [^ ]+ [\d.-]+ [\d.-]+ [\d.-]+ (\d{3}|-) "
)
_CLASSIC = re.compile(  # the same without a type
    r"\d{4}-\d\d-\d\dT[\d:.]+Z [^ ]+ [\d.]+:\d+ [^ ]+ [\d.-]+ [\d.-]+ [\d.-]+ (\d{3}|-) "
)
_CLASSIC_ZONE = slice(26, 28)  # microseconds, and "Z": other lines that begin with a time mostly have milliseconds
_NETWORK = re.compile(  # NLB: …, connection and handshake time, received and sent bytes, the client's TLS alert
    r"tls \d\.\d \d{4}-\d\d-\d\dT[\d:.]+ net/[^ ]+ [^ ]+ [^ ]+ [^ ]+ [\d-]+ [\d-]+ [\d-]+ [\d-]+ ([^ ]+) "
)
_CLOUDFRONT = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t(?:[^\t]*\t){6}(\d{3})\t")
_COMMON = re.compile(rf"\] \"[^\"]{{0,{_LONGEST_URL}}}\" (\d{{3}})(?= |$)")
COMMON_AT = '] "'  # within the first ``WITHIN`` characters of the common format
WITHIN = 200
FIRST = frozenset("0123456789hgwt")  # how the other lines begin


def access_level(message: str) -> Level | None:
    """The level of an access line by its status (5xx error, 4xx warning, else info); None for any other line.

    A TLS alert that a Network Load Balancer got counts as a warning, and so does CloudFront's status 000: the viewer
    went away. Never raises; takes time linear in the line's first 10,000 characters.
    """
    first = message[:1]
    if "0" <= first <= "9":
        if message[10:11] == "\t" and (found := _CLOUDFRONT.match(message, 0, _LONGEST_URL)):
            return level_of_status(int(found[1]))
        if message[_CLASSIC_ZONE] == "Z " and (found := _CLASSIC.match(message, 0, _LONGEST_URL)):
            return _level(found[1])
    elif first == "t":
        if found := _NETWORK.match(message, 0, _LONGEST_URL):
            return Level.INFO if found[1] == "-" else Level.WARNING
    elif first in FIRST and (found := _BALANCED.match(message, 0, _LONGEST_URL)):
        return _level(found[1])
    at = message.find(COMMON_AT, 0, WITHIN)
    if at >= 0 and (found := _COMMON.match(message, at, at + _LONGEST_URL + 10)):
        return level_of_status(int(found[1]))
    return None


def level_of_status(status: int) -> Level | None:
    """The level that an HTTP status stands for; 0 is a client that went away; None for what is no status."""
    if 100 <= status < 400:
        return Level.INFO
    if 400 <= status < 500 or status == 0:
        return Level.WARNING
    return Level.ERROR if 500 <= status < 600 else None


def _level(status: str) -> Level | None:
    return Level.INFO if status == "-" else level_of_status(int(status))

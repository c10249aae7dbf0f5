from __future__ import annotations

import pytest

from jinkies.logs.levels import level_of
from jinkies.model import Level
from jinkies.reading.access import access_level, level_of_status

CLOUDFRONT = (
    "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t/a%20ERROR\t{}\t-\tMozilla/5.0\t-\t-\tHit"
    "\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111.cloudfront.net\thttps\t23\t0.001"
)
ALB = (
    "{} 2018-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 {} {} "
    '5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128 TLSv1.2 arn:aws:x "Root=1-x"'
)
ELB = (
    "2015-05-13T23:39:43.945958Z my-lb 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 {} {} 0 29 "
    '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -'
)
NLB = (
    "tls 2.0 2018-12-20T02:59:40 net/my-nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 "
    "5 2 98 246 {} arn:aws:acm:us-east-2:671290407336:certificate/2a10 - ECDHE-RSA-AES128-SHA tlsv12 -"
)
COMBINED = '127.0.0.1 - {} [10/Oct/2000:13:55:36 -0700] "GET {} HTTP/1.0" {} 2326 "http://x/ERROR" "Mozilla/4.08 [en]"'
GATEWAY = '{{"requestId":"8f5e","ip":"1.2.3.4","httpMethod":"GET","status":"{}","protocol":"HTTP/1.1"}}'
NONE, DEBUG, INFO, WARNING, ERROR, CRITICAL = Level


@pytest.mark.parametrize(
    ("message", "level"),
    [
        (CLOUDFRONT.format("200"), INFO),
        (CLOUDFRONT.format("404"), WARNING),
        (CLOUDFRONT.format("502"), ERROR),
        (CLOUDFRONT.format("000"), WARNING),  # the viewer closed the connection
        ("#Version: 1.0", NONE),
        ("#Fields: date time x-edge-location sc-bytes c-ip cs-method", NONE),
        ('{"date":"2019-12-04","sc-status":"503","cs-method":"GET"}', ERROR),
        ('{"date":"2019-12-04","sc-status":404,"cs-method":"GET"}', WARNING),
        (ALB.format("https", 200, 200), INFO),
        (ALB.format("h2", 502, "-"), ERROR),
        (ALB.format("http", 460, "-"), WARNING),
        (ALB.format("wss", 101, 101), INFO),
        (ALB.format("grpcs", 504, "-"), ERROR),
        (ALB.format("ftp", 504, "-"), NONE),
        (ELB.format(200, 200), INFO),
        (ELB.format(503, 0), ERROR),
        (ELB.format("-", "-"), INFO),  # a TCP listener has no status
        (NLB.format("-"), INFO),
        (NLB.format("48"), WARNING),
        (COMBINED.format("-", "/", 200), INFO),
        (COMBINED.format("frank", "/a?b=[c]", 404), WARNING),
        (COMBINED.format("-", "/" + "x" * 5_000, 500), ERROR),
        (COMBINED.format("-", "/ERROR:", 200), INFO),
        ("www.example.com:443 " + COMBINED.format("-", "/", 503), ERROR),
        ('2001:db8::7 - - [10/Oct/2000:13:55:36 -0700] "-" 408 0', WARNING),
        ('1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "\\x16\\x03\\x01" 400 150 "-" "-"', WARNING),
        (COMBINED.format("-", "/", 999), NONE),
        (GATEWAY.format(200), INFO),
        (GATEWAY.format(429), WARNING),
        (GATEWAY.format(504), ERROR),
        (GATEWAY.format("-"), NONE),
        ('{"routeKey":"$default","status":500,"level":"info"}', INFO),  # what it names goes first
        ('{"request_method":"GET","status":404}', WARNING),  # nginx, as JSON is usually set up
        ('{"msg":"job done","status":500}', NONE),  # nobody says that this is HTTP
        ('{"type":"platform.start","record":{"requestId":"8f5e"}}', INFO),
        ('{"type":"platform.report","record":{"requestId":"8f5e","status":"timeout"}}', ERROR),
        ('{"type":"platform.report","record":{"requestId":"8f5e","status":"success"}}', INFO),
        ("INIT_REPORT Init Duration: 3000.11 ms\tPhase: init\tStatus: timeout", ERROR),
        ("Nov 22, 2026 8:40:21 PM org.x.Y log\nSEVERE: it broke", ERROR),
        ("Nov 22, 2026 8:40:21 PM org.x.Y log\nFINE: it went", DEBUG),
    ],
)
def test_the_level_of_an_access_line(message: str, level: Level) -> None:
    assert level_of(message) is level


def test_what_is_no_access_line_is_left_to_others() -> None:
    for message in ("", "t", "2", "GET / 200", "2019-12-04\t21:02:31", "tls up", "http is fine", '] "', '] "x" 20'):
        assert access_level(message) is None


@pytest.mark.parametrize(
    ("status", "level"), [(0, WARNING), (99, None), (100, INFO), (399, INFO), (400, WARNING), (499, WARNING),
                          (500, ERROR), (599, ERROR), (600, None)],
)  # fmt: skip
def test_the_level_of_a_status(status: int, level: Level | None) -> None:
    assert level_of_status(status) is level


@pytest.mark.parametrize(
    "message",
    ["2019-12-04\t21:02:31" + "\t" * 900_000, "http 2018-07-02T22:23:00Z " + "-" * 900_000, '] "' * 300_000,
     '[x] "' + "a" * 900_000, "tls 1.2 2018-12-20T02:59:40 net/" + " " * 900_000],
)  # fmt: skip
def test_hostile_lines_have_none(message: str) -> None:
    assert access_level(message) is None

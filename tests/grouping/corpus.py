"""What must be one alert and what must not: pairs of occurrences, each under the name of why."""

from __future__ import annotations

import msgspec

from jinkies.commands import ReportOccurrence
from jinkies.frames import Frame

Pair = tuple[str, ReportOccurrence, ReportOccurrence]


def said(message: str, **more: object) -> ReportOccurrence:
    """A message without a trace."""
    return msgspec.structs.replace(ReportOccurrence(service="api", message=message), **more)


def raised(trace: str, kind: str = "KeyError", message: str = "boom", **more: object) -> ReportOccurrence:
    """An exception with its trace."""
    occurrence = ReportOccurrence(service="api", message=message, exception_type=kind, stack_trace=trace)
    return msgspec.structs.replace(occurrence, **more)


def python(*frames: tuple[str, int, str, str], last: str = "KeyError: 'a'") -> str:
    """A trace as Python prints it: (path, line, function, source) each."""
    lines = ["Traceback (most recent call last):"]
    for path, line, function, source in frames:
        lines += [f'  File "{path}", line {line}, in {function}', *([f"    {source}"] if source else [])]
    return "\n".join([*lines, last])


def java(*frames: tuple[str, str, int], head: str = "com.acme.OrderException: no order") -> str:
    """A trace as Java prints it: (qualified method, file, line) each, innermost first."""
    return "\n".join([head, *(f"\tat {method}({file}:{line})" for method, file, line in frames)])


def node(*frames: tuple[str, str, int], head: str = "TypeError: x is undefined") -> str:
    """A trace as Node prints it: (function, path, line) each, innermost first."""
    return "\n".join([head, *(f"    at {name} ({path}:{line}:9)" for name, path, line in frames)])


def sent(*frames: Frame, kind: str = "KeyError", message: str = "boom") -> ReportOccurrence:
    """An exception whose sender gives its frames apart."""
    return ReportOccurrence(service="api", message=message, exception_type=kind, frames=frames)


def frame(module: str, function: str, source: str = "", *, line: int = 1, in_app: bool = True, path: str = "") -> Frame:
    """One of them."""
    return Frame(path=path or module, module=module, function=function, source=source, line=line, in_app=in_app)


MESSAGES_ALIKE: tuple[tuple[str, str, str], ...] = (
    ("a number", "order 1234 not found", "order 98 not found"),
    ("a negative number", "balance is -5", "balance is -1200"),
    ("a decimal", "took 1.52 s", "took 12.9 s"),
    ("thousands", "1,204 rows skipped", "88,001 rows skipped"),
    ("a unit glued on", "timed out after 30s", "timed out after 5s"),
    ("milliseconds", "slow query: 1204ms", "slow query: 88ms"),
    ("bytes", "body of 10485760 bytes is too large", "body of 20971520 bytes is too large"),
    ("a percentage", "disk is 91% full", "disk is 97% full"),
    ("a ratio", "3/5 replicas ready", "0/5 replicas ready"),
    ("a port", "cannot bind to port 8080", "cannot bind to port 9090"),
    ("a status in brackets", "upstream answered [502]", "upstream answered [504]"),
    ("a line and a column", "parse error at 12:4", "parse error at 877:19"),
    ("an exponent", "residual 1e-05 is too large", "residual 3e-07 is too large"),
    ("an ordinal", "attempt #1 failed", "attempt #3 failed"),
    ("a range", "rows 1-500 failed", "rows 501-1000 failed"),
    (
        "a UUID",
        "session 3f2b8c1a-9d4e-4f6a-8b1c-2d3e4f5a6b7c expired",
        "session 00000000-1111-4222-8333-444455556666 expired",
    ),
    (
        "a UUID in capitals",
        "job 3F2B8C1A-9D4E-4F6A-8B1C-2D3E4F5A6B7C died",
        "job 00000000-1111-4222-8333-AAAABBBBCCCC died",
    ),
    ("a short hash", "commit a1b2c3d4 is unknown", "commit 00ff00ff is unknown"),
    (
        "a long hash",
        "digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 differs",
        "digest 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752 differs",
    ),
    ("an address in memory", "object at 0x7f3a2b1c leaked", "object at 0x7f00ffee leaked"),
    ("a ULID", "event 01ARZ3NDEKTSV4RRFFQ69G5FAV lost", "event 01BX5ZZKBKACTAV9WEVGEMMVRZ lost"),
    ("a Mongo id", "no user 507f1f77bcf86cd799439011", "no user 507f191e810c19729de860ea"),
    ("a request id", "request req7f3a9Bx21Q failed", "request req00aaZZ91kP failed"),
    ("an e-mail address", "cannot mail jane.doe@example.com", "cannot mail bob+news@shop.example.org"),
    ("an IPv4 address", "refused by 10.0.3.7", "refused by 192.168.1.200"),
    ("an IPv4 address and port", "refused by 10.0.3.7:5432", "refused by 10.0.4.9:5433"),
    ("an IPv6 address", "refused by 2001:db8::8a2e:370:7334", "refused by fe80::1:2:3:4"),
    ("a date", "no rates for 2026-01-31", "no rates for 2025-12-01"),
    ("a date with slashes", "no rates for 2026/01/31", "no rates for 2025/12/01"),
    ("a moment", "token expired at 2026-01-31T13:10:05Z", "token expired at 2025-12-01T00:00:00Z"),
    ("a moment with an offset", "late since 2026-01-31 13:10:05+02:00", "late since 2026-02-01 03:00:00+01:00"),
    ("a moment with a fraction", "at 2026-01-31T13:10:05.123456Z it broke", "at 2026-01-31T13:10:09.9Z it broke"),
    ("a time of the day", "job of 13:10:05 skipped", "job of 02:00:00 skipped"),
    ("a timestamp in seconds", "lock held since 1767225600", "lock held since 1767229999"),
    ("a timestamp in milliseconds", "lock held since 1767225600123", "lock held since 1767229999000"),
    ("a text in single quotes", "no column 'order_id'", "no column 'user_id'"),
    ("a text in double quotes", 'unknown plan "gold"', 'unknown plan "silver plus"'),
    ("a text in backquotes", "unknown table `orders`", "unknown table `users`"),
    ("a quoted text with an apostrophe", 'bad name "O\'Neil"', 'bad name "Smith"'),
    ("an empty quoted text", 'unknown plan ""', 'unknown plan "gold"'),
    ("a pod", "pod api-7d9f8b6c5d-x2x4z crashed", "pod api-5c6d7f8b9c-q8q9z crashed"),
    ("a file in /tmp", "cannot open /tmp/upload-a/x", "cannot open /tmp/other/y"),
    ("a file with its extension", "cannot parse /srv/in/jan.csv", "cannot parse /srv/in/old/feb.csv"),
    ("a file anywhere with an extension", "cannot parse /in/jan/a.csv", "cannot parse /in/feb/b.csv"),
    ("a file in a home", "no such file /home/jane/.netrc", "no such file /home/bob/.netrc"),
    ("a file of Windows", "cannot open C:\\data\\a\\x.txt", "cannot open D:\\other\\y.txt"),
    ("an id in a route", "GET /orders/77 failed", "GET /orders/9124 failed"),
    (
        "a UUID in a route",
        "GET /carts/3f2b8c1a-9d4e-4f6a-8b1c-2d3e4f5a6b7c failed",
        "GET /carts/00000000-1111-4222-8333-444455556666 failed",
    ),
    ("an id in a query", "GET /orders?id=77&page=2 failed", "GET /orders?id=3&page=11 failed"),
    ("key=value with a number", "user=1009 denied", "user=7 denied"),
    ("two numbers", "3 of 14 shards failed", "1 of 14 shards failed"),
    ("more blanks", "deadlock   detected", "deadlock detected"),
    ("a line feed at the end", "deadlock detected\n", "deadlock detected"),
    ("an instance's id", "instance i-0abc12de34f567890 is gone", "instance i-0fff12de34f500000 is gone"),
    (
        "an ARN's account",
        "no access to arn:aws:sqs:eu-west-1:123456789012:orders",
        "no access to arn:aws:sqs:eu-west-1:210987654321:orders",
    ),
    ("a JSON line's other fields", '{"msg":"charge failed","user":1}', '{"user":2,"msg":"charge failed","t":3}'),
    ("a JSON line's order", '{"level":"error","message":"boom"}', '{"message":"boom","level":"error"}'),
    ("a JSON line's numbers", '{"error":"order 7 missing"}', '{"error":"order 8 missing"}'),
    ("a JSON line's event", '{"event":"cache.miss","key":"a"}', '{"event":"cache.miss","key":"b"}'),
    ("a version number", "schema 1.4.2 is unknown", "schema 1.10.0 is unknown"),
    ("a hex colour", "bad colour 0xff00ff", "bad colour 0x00ff00"),
    ("a thread's number", "worker-3 died", "worker-11 died"),
    ("a partition", "partition orders-12 has no leader", "partition orders-3 has no leader"),
    ("a CSV of numbers", "missing ids 1, 2, 3", "missing ids 7, 8, 9"),
    ("a container's id", "container 4f5e6d7c8b9a died", "container 0a1b2c3d4e5f died"),
)
MESSAGES_APART: tuple[tuple[str, str, str], ...] = (
    ("other words", "deadlock detected", "lock timeout"),
    ("one word more", "connection refused", "connection refused by proxy"),
    ("another noun", "order 12 not found", "user 12 not found"),
    ("another verb", "cannot read queue", "cannot write queue"),
    ("not", "job finished", "job not finished"),
    ("another route", "GET /orders/7 failed", "GET /users/7 failed"),
    ("another method", "GET /orders/7 failed", "POST /orders/7 failed"),
    ("a deeper route", "GET /orders/7 failed", "GET /orders/7/pay failed"),
    ("another version of an API", "GET /api/orders failed", "GET /internal/orders failed"),
    ("another extension", "cannot parse /srv/in/a.csv", "cannot parse /srv/in/a.json"),
    ("another host's name", "refused by db-primary", "refused by db-replica"),
    ("another environment variable", "DATABASE_URL is not set", "REDIS_URL is not set"),
    ("another table without quotes", "relation orders does not exist", "relation users does not exist"),
    (
        "another queue in an ARN",
        "no access to arn:aws:sqs:eu-west-1:1:orders",
        "no access to arn:aws:sqs:eu-west-1:1:mails",
    ),
    ("another JSON message", '{"msg":"charge failed"}', '{"msg":"refund failed"}'),
    ("another JSON event", '{"event":"cache.miss"}', '{"event":"cache.full"}'),
    ("another error of the system", "[Errno 28] No space left on device", "[Errno 32] Broken pipe"),
    ("a singular", "row skipped", "rows skipped"),
    ("another exception in the text", "ValueError: bad input", "TypeError: bad input"),
    ("a message and a JSON line", "charge failed badly", '{"msg":"charge failed"}'),
    ("other code words", "E_TIMEOUT in charge", "E_REFUSED in charge"),
    ("another class", "OrderService is down", "PaymentService is down"),
    ("another language", "connection refused", "Verbindung abgelehnt"),
    ("another topic", "topic orders.created is full", "topic orders.paid is full"),
    ("another unit", "timed out after 30 s", "timed out after 30 min"),
)
APP = ("/srv/app/views/orders.py", 118, "show", 'return cart["order_id"]')
LIB = ("/srv/app/.venv/lib/python3.11/site-packages/django/core/handlers.py", 42, "inner", "response = get(request)")
MAIN = ("/srv/app/main.py", 9, "main", "serve()")


def moved(entry: tuple[str, int, str, str], **changes: object) -> tuple[str, int, str, str]:
    """A frame that differs in what is named."""
    path, line, function, source = entry
    return (
        str(changes.get("path", path)),
        int(str(changes.get("line", line))),
        str(changes.get("function", function)),
        str(changes.get("source", source)),
    )


BASE = raised(python(MAIN, LIB, APP))
JAVA = (
    ("com.acme.OrderService.find", "OrderService.java", 42),
    ("org.springframework.web.Servlet.service", "Servlet.java", 1),
)
NODE = (
    ("OrderController.show", "/srv/app/src/orders.js", 10),
    ("next", "/srv/app/node_modules/express/lib/router.js", 1),
)
SENT = (
    frame("django.core", "inner", "response = get(request)", in_app=False),
    frame("app.views", "show", "return cart[key]"),
)

TRACES_ALIKE: tuple[Pair, ...] = (
    ("another line", BASE, raised(python(MAIN, LIB, moved(APP, line=131)))),
    ("another message", BASE, raised(python(MAIN, LIB, APP), message="something else entirely")),
    ("another last line", BASE, raised(python(MAIN, LIB, APP, last="KeyError: 'b'"))),
    ("another library frame", BASE, raised(python(MAIN, moved(LIB, function="outer", line=1), APP))),
    ("no library frame", BASE, raised(python(MAIN, APP))),
    ("more library frames", BASE, raised(python(MAIN, LIB, LIB, LIB, APP))),
    (
        "a library below",
        BASE,
        raised(python(MAIN, LIB, APP, ("/usr/lib/python3.11/json/decoder.py", 5, "decode", "raise"))),
    ),
    ("other blanks in the code", BASE, raised(python(MAIN, LIB, moved(APP, source='return   cart["order_id"]')))),
    (
        "another release's folder",
        raised(python(moved(APP, path="/srv/releases/20260101120000/app/views.py"))),
        raised(python(moved(APP, path="/srv/releases/20260214093000/app/views.py"))),
    ),
    (
        "another commit's folder",
        raised(python(moved(APP, path="/srv/a1b2c3d4e5f60718/app/views.py"))),
        raised(python(moved(APP, path="/srv/00112233445566ff/app/views.py"))),
    ),
    ("a recursion's depth", raised(python(MAIN, APP, APP, APP)), raised(python(MAIN, APP, APP, APP, APP, APP))),
    (
        "a numbered lambda",
        raised(python(moved(APP, function="<lambda_3>"))),
        raised(python(moved(APP, function="<lambda_7>"))),
    ),
    (
        "a chain with the same last exception",
        BASE,
        raised(
            f"{python(LIB)}\n\n"
            "During handling of the above exception, another exception occurred:\n\n"
            f"{python(MAIN, LIB, APP)}"
        ),
    ),
    ("another instance", BASE, raised(python(MAIN, LIB, APP), instance_id="i-2")),
    ("another commit", BASE, raised(python(MAIN, LIB, APP), commit_sha="b" * 40)),
    ("another release", BASE, raised(python(MAIN, LIB, APP), release="api@2")),
    ("other tags", BASE, raised(python(MAIN, LIB, APP), tags={"region": "eu"})),
    ("another request", BASE, raised(python(MAIN, LIB, APP), request_path="/orders/8")),
    ("another context", BASE, raised(python(MAIN, LIB, APP), context={"user": "8"})),
    ("another moment", BASE, raised(python(MAIN, LIB, APP), occurred_at_ms=5)),
    ("carriage returns", BASE, raised(python(MAIN, LIB, APP).replace("\n", "\r\n"))),
    (
        "Java: another line",
        raised(java(*JAVA)),
        raised(java(("com.acme.OrderService.find", "OrderService.java", 57), JAVA[1])),
    ),
    (
        "Java: another framework frame",
        raised(java(*JAVA)),
        raised(java(JAVA[0], ("org.springframework.web.Filter.run", "Filter.java", 9))),
    ),
    ("Java: another message", raised(java(*JAVA)), raised(java(*JAVA, head="com.acme.OrderException: none at all"))),
    (
        "Java: another proxy",
        raised(java(("com.acme.A$$Enhancer$$1a2b3c.x", "A.java", 1), JAVA[0])),
        raised(java(("com.acme.A$$Enhancer$$ffee00.x", "A.java", 1), JAVA[0])),
    ),
    (
        "Java: another lambda",
        raised(java(("com.acme.Orders.lambda$find$3", "Orders.java", 3))),
        raised(java(("com.acme.Orders.lambda$find$9", "Orders.java", 3))),
    ),
    (
        "Java: another cause's cause",
        raised(java(*JAVA)),
        raised(java(*JAVA) + "\nCaused by: java.io.IOException: x\n\tat com.acme.Io.read(Io.java:3)"),
    ),
    ("Node: another line", raised(node(*NODE)), raised(node((NODE[0][0], NODE[0][1], 99), NODE[1]))),
    ("Node: another library frame", raised(node(*NODE)), raised(node(NODE[0], ("handle", NODE[1][1], 7)))),
    ("Node: another message", raised(node(*NODE)), raised(node(*NODE, head="TypeError: y is not a function"))),
    ("sent: another line", sent(*SENT), sent(SENT[0], frame("app.views", "show", "return cart[key]", line=99))),
    (
        "sent: another path",
        sent(*SENT),
        sent(SENT[0], frame("app.views", "show", "return cart[key]", path="/elsewhere/views.py")),
    ),
    ("sent: another library frame", sent(*SENT), sent(frame("flask.app", "run", in_app=False), SENT[1])),
    ("sent: no library frame", sent(*SENT), sent(SENT[1])),
    ("sent: other blanks", sent(*SENT), sent(SENT[0], frame("app.views", "show", "  return  cart[key] "))),
    ("sent: another message", sent(*SENT), sent(*SENT, message="other")),
    ("sent: a trace beside the frames", sent(*SENT), msgspec.structs.replace(sent(*SENT), stack_trace=python(MAIN))),
)
TRACES_APART: tuple[Pair, ...] = (
    ("another function", BASE, raised(python(MAIN, LIB, moved(APP, function="edit")))),
    ("another file", BASE, raised(python(MAIN, LIB, moved(APP, path="/srv/app/views/carts.py")))),
    ("another line of code", BASE, raised(python(MAIN, LIB, moved(APP, source="return totals[key]")))),
    ("another exception", BASE, raised(python(MAIN, LIB, APP), kind="ValueError")),
    ("another caller of ours", BASE, raised(python(moved(MAIN, function="worker"), LIB, APP))),
    ("a caller of ours less", BASE, raised(python(LIB, APP))),
    ("another service", BASE, raised(python(MAIN, LIB, APP), service="worker")),
    ("another environment", BASE, raised(python(MAIN, LIB, APP), environment="staging")),
    ("no trace", BASE, said("boom", exception_type="KeyError")),
    ("another order", raised(python(MAIN, APP)), raised(python(APP, MAIN))),
    (
        "another version of an API",
        raised(python(moved(APP, path="/srv/app/api/v1/orders.py"))),
        raised(python(moved(APP, path="/srv/app/api/v2/orders.py"))),
    ),
    ("another library where nothing is ours", raised(python(LIB)), raised(python(moved(LIB, function="outer")))),
    ("a qualified exception", BASE, raised(python(MAIN, LIB, APP), kind="app.errors.KeyError")),
    (
        "Java: another method",
        raised(java(*JAVA)),
        raised(java(("com.acme.OrderService.save", "OrderService.java", 42), JAVA[1])),
    ),
    (
        "Java: another class",
        raised(java(*JAVA)),
        raised(java(("com.acme.CartService.find", "CartService.java", 42), JAVA[1])),
    ),
    ("Node: another function", raised(node(*NODE)), raised(node(("OrderController.edit", NODE[0][1], 10), NODE[1]))),
    ("Node: another file", raised(node(*NODE)), raised(node((NODE[0][0], "/srv/app/src/carts.js", 10), NODE[1]))),
    ("sent: another function", sent(*SENT), sent(SENT[0], frame("app.views", "edit", "return cart[key]"))),
    ("sent: another module", sent(*SENT), sent(SENT[0], frame("app.carts", "show", "return cart[key]"))),
    ("sent: another line of code", sent(*SENT), sent(SENT[0], frame("app.views", "show", "return total[key]"))),
    ("sent: another exception", sent(*SENT), sent(*SENT, kind="TypeError")),
    ("sent: ours instead of a library's", sent(*SENT), sent(frame("django.core", "inner"), SENT[1])),
)
OWN_ALIKE: tuple[Pair, ...] = (
    ("an own fingerprint over all", said("a", fingerprint="x"), raised(python(APP), fingerprint="x")),
    ("only default in it", said("deadlock 1", fingerprint="{{ default }}"), said("deadlock 2")),
    ("default without blanks", said("deadlock 1", fingerprint="{{default}}"), said("deadlock 2")),
    (
        "default and more, the same",
        said("d 1", fingerprint="{{ default }}\0eu"),
        said("d 2", fingerprint="{{ default }}\0eu"),
    ),
    (
        "a template over its values",
        said("no plan gold", message_template="no plan %s"),
        said("no plan x", message_template="no plan %s"),
    ),
)
OWN_APART: tuple[Pair, ...] = (
    ("another own fingerprint", said("a", fingerprint="x"), said("a", fingerprint="y")),
    ("an own fingerprint and none", said("a", fingerprint="x"), said("a")),
    ("own in another service", said("a", fingerprint="x"), said("a", fingerprint="x", service="worker")),
    ("own in another environment", said("a", fingerprint="x"), said("a", fingerprint="x", environment="staging")),
    (
        "default and something else",
        said("a", fingerprint="{{ default }}\0eu"),
        said("a", fingerprint="{{ default }}\0us"),
    ),
    ("default and more, and default", said("a", fingerprint="{{ default }}\0eu"), said("a")),
    (
        "default of another message",
        said("a b", fingerprint="{{ default }}\0eu"),
        said("c d", fingerprint="{{ default }}\0eu"),
    ),
    ("another template", said("x", message_template="no plan %s"), said("x", message_template="no user %s")),
    ("an exception's type beside a message", said("boom", exception_type="A"), said("boom", exception_type="B")),
)

ALIKE: tuple[Pair, ...] = (
    *((name, said(one), said(other)) for name, one, other in MESSAGES_ALIKE),
    *TRACES_ALIKE,
    *OWN_ALIKE,
)
APART: tuple[Pair, ...] = (
    *((name, said(one), said(other)) for name, one, other in MESSAGES_APART),
    *TRACES_APART,
    *OWN_APART,
)

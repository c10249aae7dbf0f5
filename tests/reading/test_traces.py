from __future__ import annotations

import json

import pytest

from jinkies.reading.traces import STACK_CHARS, parse

PYTHON = (
    'Traceback (most recent call last):\n  File "/app/v.py", line 3, in show\n'
    '    raise ValueError("boom")\nValueError: boom'
)
CHAINED = (
    "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n\n"
    "During handling of the above exception, another exception occurred:\n\n"
    'Traceback (most recent call last):\n  File "b.py", line 2\n    x\n    ^\npkg.DbError: db gone\nDETAIL: more'
)
JAVA = (
    "java.lang.IllegalStateException: pool empty\n\tat com.x.A.b(A.java:1)\n"
    "Caused by: java.io.IOException: down\n\tat x.y(Z.java)\n\t... 3 more"
)
NODE = "TypeError: Cannot read x\n    at f (/a.js:1:2)\n    at g (/b.js:2:3)"
SPRING = "2026-11-22 20:40:21.123 ERROR 1 --- [nio-8080-exec-1] o.a.c.c.C.[.[.[/] : Servlet failed\n\n"


LAMBDA_PYTHON = 'Traceback (most recent call last):\n  File "l.py", line 4\n    1/0'
LAMBDA_NODE = (
    "2026-11-22T20:40:21.123Z\t8f5e7a2c-1111-2222-3333-444455556666\tERROR\tInvoke Error \t"
    '{"errorType":"TypeError","errorMessage":"x is undefined",'
    '"stack":["TypeError: x is undefined","    at h (/var/task/i.js:3:4)"]}'
)
INTERRUPT = 'Traceback (most recent call last):\n  File "a.py"\nKeyboardInterrupt'
MAIN = "java.lang.NullPointerException\n\tat a.b(C.java:1)"
PINO = '{"level":50,"msg":"failed","err":{"type":"Error","message":"boom","stack":"Error: boom\\n    at x (y.js:1:1)"}}'
OSERROR = 'Traceback (most recent call last):\n  File "x"\nOSError: 7'


@pytest.mark.parametrize(
    ("message", "kind", "text", "stack", "said"),
    [
        (PYTHON, "ValueError", "boom", PYTHON, ""),
        (f"2026-11-22 20:40:21,123 ERROR payment failed\n{PYTHON}", "ValueError", "boom", PYTHON, "payment failed"),
        (f"ERROR:root:payment failed\n{PYTHON}\n", "ValueError", "boom", PYTHON, "payment failed"),
        (CHAINED, "pkg.DbError", "db gone\nDETAIL: more", CHAINED, ""),
        (f"[ERROR] DivError: by zero\n{LAMBDA_PYTHON}", "DivError", "by zero", LAMBDA_PYTHON, ""),
        (INTERRUPT, "KeyboardInterrupt", "KeyboardInterrupt", INTERRUPT, ""),
        (JAVA, "java.lang.IllegalStateException", "pool empty", JAVA, ""),
        (SPRING + JAVA, "java.lang.IllegalStateException", "pool empty", JAVA, "Servlet failed"),
        (f'Exception in thread "main" {MAIN}', "java.lang.NullPointerException", MAIN.split("\n")[0], MAIN, ""),
        (NODE, "TypeError", "Cannot read x", NODE, ""),
        (f"Uncaught {NODE}", "TypeError", "Cannot read x", NODE, ""),
        (LAMBDA_NODE, "TypeError", "x is undefined", "TypeError: x is undefined\n    at h (/var/task/i.js:3:4)", ""),
        (PINO, "Error", "boom", "Error: boom\n    at x (y.js:1:1)", "failed"),
        (json.dumps({"levelname": "ERROR", "message": "oops", "exc_info": OSERROR}), "OSError", "7", OSERROR, "oops"),
        ('{"level":"error","event":"checkout failed"}', None, "checkout failed", None, ""),
        ('{"level":"error","error":"checkout failed"}', None, "checkout failed", None, ""),
        ('{"error.type":"E","error.message":"m","error.stack_trace":"s"}', "E", "m", "s", ""),
        ("2026-11-22 20:40:21,123 - app.views - ERROR - connection refused", None, "connection refused", None, ""),
        ("ERROR:root:connection refused", None, "connection refused", None, ""),
        ("[ERROR]\t2026-11-22T20:40:21.123Z\t8f5e7a2c-1111-2222-3333-444455556666\tbad", None, "bad", None, ""),
        ("Error: boom", "Error", "boom", None, ""),
        ("ERROR", None, "ERROR", None, ""),
        ("", None, "error", None, ""),
        ("<script>[bold]", None, "script>[bold]", None, ""),
    ],
)
def test_what_was_raised(message: str, kind: str | None, text: str, stack: str | None, said: str) -> None:
    raised = parse(message)
    assert (raised.exception_type, raised.message, raised.stack_trace, raised.said) == (kind, text, stack, said)


def test_context_of_json_lines() -> None:
    raised = parse('{"message":"x","path":"/orders","hostname":"web-1","git_sha":"abc123"}')
    assert (raised.request_path, raised.instance_id, raised.commit_sha) == ("/orders", "web-1", "abc123")


def test_a_long_stack_keeps_both_its_ends() -> None:
    frames = "".join(f'  File "{at}.py", line 1\n' for at in range(20_000))
    raised = parse(f"Traceback (most recent call last):\n{frames}")
    assert raised.stack_trace is not None
    assert len(raised.stack_trace) <= STACK_CHARS
    assert raised.stack_trace.startswith("Traceback (most recent call last):\n  File")


@pytest.mark.parametrize(
    "message",
    ["-" * 200_000, "[" * 200_000, "a." * 100_000, " " * 200_000, "\t{" * 100_000, "a" * 200_000 + "\n at x",
     "Traceback (most recent call last):\n" * 6_000, "Error." * 30_000 + "\n at x", "[a]" * 60_000, "1 " * 100_000],
)  # fmt: skip
def test_hostile_lines_are_read_all_the_same(message: str) -> None:
    assert parse(message).message

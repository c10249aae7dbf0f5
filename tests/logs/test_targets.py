from __future__ import annotations

import pytest

from jinkies.errors import Invalid, NotConfigured
from jinkies.logs.targets import check_spec, group_name, resolve
from jinkies.model import TailSpec
from tests.logs.conftest import desk

CONFIG = desk(
    "http://127.0.0.1:1", api=("/app/api", "/app/worker"), worker=("/app/worker",), web=(), named=("plain-name",)
)
ARN = "arn:aws:logs:eu-central-1:123456789012:log-group:/app/api"


@pytest.mark.parametrize(
    ("targets", "groups"),
    [
        (("api",), ("/app/api", "/app/worker")),
        (("api", "worker"), ("/app/api", "/app/worker")),
        (("/aws/lambda/orders",), ("/aws/lambda/orders",)),
        ((ARN,), (ARN,)),
        ((f"{ARN}:*",), (ARN,)),
        (("RDSOSMetrics",), ("RDSOSMetrics",)),  # a log group may have no slash
        (("plain-name",), ("plain-name",)),
        (("group:apj",), ("apj",)),
    ],
)
def test_targets(targets: tuple[str, ...], groups: tuple[str, ...]) -> None:
    assert resolve(CONFIG, targets) == groups


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ((), "target: name a service or a log group"),
        (
            ("apj",),
            "target: 'apj' is neither a service nor a log group; did you mean api? (for a log group of that name,",
        ),
        (("two words",), "target: 'two words' is neither a service nor a log group; services: api, named, web, worker"),
        (("",), "target: '' is neither a service nor a log group; services: "),
        (("arn:aws:s3:::bucket",), "target: 'arn:aws:s3:::bucket' is no log group's ARN: arn:aws:logs:"),
        (tuple(f"/g/{n}" for n in range(21)), "target: 21 of them; at most 20"),
        (("api", ARN), f"target: /app/api and {ARN} have the same name: ask for one of them"),
        ((ARN, ARN.replace("1234", "4321")), f"target: {ARN} and {ARN.replace('1234', '4321')} have the same name"),
    ],
)
def test_what_is_no_target_is_refused(targets: tuple[str, ...], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(CONFIG, targets)
    assert str(caught.value).startswith(message)


def test_a_service_without_log_groups_says_what_to_set() -> None:
    with pytest.raises(NotConfigured, match=r"service web has no log groups: set log_groups under \[services.web\]"):
        resolve(CONFIG, ("web",))


def test_the_name_in_an_arn() -> None:
    assert group_name(ARN) == "/app/api"
    assert group_name("/app/api") == "/app/api"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TailSpec(targets=("api",), grep="("), "grep: '(' is no regular expression: missing )"),
        (TailSpec(targets=("api",), grep="x" * 501), "grep: 501 characters; at most 500"),
        (
            TailSpec(targets=("api",), filter_pattern="x" * 1025),
            "filter_pattern: 1,025 characters; CloudWatch takes 1,024",
        ),
        (TailSpec(targets=("api",), since_ms=-1), "since_ms: -1 lies in the future"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(spec: TailSpec, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_spec(spec)
    assert str(caught.value).startswith(message)

"""What a TARGET stands for: a service of the configuration, or a log group by name or ARN. Pure."""

from __future__ import annotations

import difflib
import re

from jinkies.config import Config
from jinkies.errors import Invalid, NotConfigured
from jinkies.model import TailSpec

MAX_TARGETS = 20
MAX_GROUPS = 50
MAX_PATTERN = 1_024  # CloudWatch Logs: FilterPattern, maximum length
MAX_GREP = 500
GROUP_PREFIX = "group:"  # says that a name is a log group's, however much it looks like a service's

_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")  # CloudWatch Logs: LogGroupName
_ARN = re.compile(r"(arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:([.\-_/#A-Za-z0-9]{1,512}))(?::\*)?")


def group_name(group: str) -> str:
    """The name in a log group's ARN; a name as it is."""
    found = _ARN.fullmatch(group)
    return found[2] if found else group


def resolve(config: Config, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The log groups (names, or ARNs without ``:*``) of some targets, each once, in order.

    A name without a slash that is nearly a service's is taken for a typing error; ``group:<name>`` insists.

    Raises:
        Invalid: no target, too many, one that can be neither a service nor a log group, or a log group by its name and
            by an ARN, or by two: lines say no more than the group's name.
        NotConfigured: a service without log groups; says what to set.
    """
    if not targets:
        raise Invalid("target: name a service or a log group")
    if len(targets) > MAX_TARGETS:
        raise Invalid(f"target: {len(targets)} of them; at most {MAX_TARGETS}")
    groups = tuple(dict.fromkeys(group for target in targets for group in _groups(config, target)))
    if len(groups) > MAX_GROUPS:
        raise Invalid(f"target: {len(groups)} log groups; at most {MAX_GROUPS} at once")
    known: dict[str, str] = {}
    for group in groups:
        other = known.setdefault(group_name(group), group)
        if other != group:
            raise Invalid(f"target: {other} and {group} have the same name: ask for one of them")
    return groups


def unknown(config: Config, target: str) -> str:
    """What to say of a target that is nothing."""
    near = difflib.get_close_matches(target, config.services, n=3, cutoff=0.5)
    services = ", ".join(sorted(config.services)[:20])
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"services: {services}" if services else "the configuration names no services"
    return f"target: {target[:80]!r} is neither a service nor a log group; {hint}"


def check_spec(spec: TailSpec) -> None:
    """Refuse what can't be asked. Raises ``Invalid``, naming the field."""
    if len(spec.filter_pattern) > MAX_PATTERN:
        raise Invalid(f"filter_pattern: {len(spec.filter_pattern):,} characters; CloudWatch takes {MAX_PATTERN:,}")
    if len(spec.grep) > MAX_GREP:
        raise Invalid(f"grep: {len(spec.grep):,} characters; at most {MAX_GREP}")
    try:
        re.compile(spec.grep)
    except (re.error, RecursionError, OverflowError) as error:
        raise Invalid(f"grep: {spec.grep!r} is no regular expression: {error}") from None
    if spec.since_ms < 0:
        raise Invalid(f"since_ms: {spec.since_ms} lies in the future")
    if spec.from_ms is not None and spec.from_ms < 0:
        raise Invalid(f"from_ms: {spec.from_ms} lies before 1970")


def _groups(config: Config, target: str) -> tuple[str, ...]:
    service = config.services.get(target)
    if service is not None:
        if not service.log_groups:
            raise NotConfigured(f"service {target} has no log groups: set log_groups under [services.{target}]")
        return service.log_groups
    name = target.removeprefix(GROUP_PREFIX)
    if name.startswith("arn:"):
        return (_arn(name),)
    if not _GROUP.fullmatch(name):
        raise Invalid(unknown(config, target))
    if name == target and _mistyped(config, name):
        raise Invalid(f"{unknown(config, target)} (for a log group of that name, write {GROUP_PREFIX}{name})")
    return (name,)


def _arn(text: str) -> str:
    found = _ARN.fullmatch(text)
    if found is None:
        raise Invalid(f"target: {text[:120]!r} is no log group's ARN: arn:aws:logs:<region>:<account>:log-group:<name>")
    return found[1]


def _mistyped(config: Config, name: str) -> bool:
    known = {group for service in config.services.values() for group in service.log_groups}
    if "/" in name or name in known:
        return False
    return bool(difflib.get_close_matches(name, config.services, n=1, cutoff=0.6))

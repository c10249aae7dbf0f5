"""Every test here runs twice: on the embedded Operator and on an attached one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from jinkies.core import Core
from jinkies.operator import Operator
from jinkies.wire.client import attach
from jinkies.wire.peer import local_actor


@pytest.fixture(params=["embedded", "attached"])
async def operator(request: pytest.FixtureRequest, core: Core) -> AsyncIterator[Operator]:
    """The same core through either transport."""
    if request.param == "embedded":
        yield core.operator(local_actor())
    else:
        async with attach(core.config.socket_path) as attached:
            yield attached

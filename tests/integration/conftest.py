"""The company, and its application on a socket: plain SCIM, unless a module says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Company


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox("scim", rate=0)


@pytest.fixture
def site(sandbox: Sandbox, company: Callable[..., Company]) -> Iterator[Company]:
    with running(sandbox) as url:
        yield company(gallery="scim", tenant=url)

"""A company whose people have what Microsoft Graph usually has can be given to every application as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.gallery import names


@pytest.mark.parametrize("name", names())
def test_default_mappings_are_valid_without_a_warning(
    name: str, company: Callable[..., Any], reconciler: Callable[..., Any]
) -> None:
    files = company(gallery=name)
    called = reconciler("validate", files.root, "--strict")
    assert called.code == 0, called.err + called.out

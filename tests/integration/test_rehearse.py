"""`reconciler rehearse`: what an apply would do, done to a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from reconciler.gallery import names
from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company

    Reconciler = Callable[..., Called]


@pytest.mark.parametrize("gallery", names())
def test_every_application_of_the_gallery_can_be_rehearsed(
    gallery: str, company: Callable[..., Company], reconciler: Reconciler
) -> None:
    """It writes nothing anywhere, and says what an apply then does."""
    box = Sandbox(gallery, rate=0, users=3)
    with running(box) as url:
        files = company(gallery=gallery, tenant=url)
        called = reconciler("rehearse", files.root, "--format", "json")
        assert not [r for r in box.requests if r.method != "GET"]
        assert not files.state_file.exists()
        applied = reconciler("apply", files.root, "--yes", "--format", "json")
    print(
        gallery,
        called.code,
        applied.code,
        called.document["failures"],
        called.document["left"],
        called.document["doubts"],
        called.document["unlike"],
    )
    assert called.code == applied.code

"""The garbage collector rests while much is built, and only then."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from reconciler.session import bulk


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_it_rests_inside_and_leaves_alone_what_was_built() -> None:
    frozen = gc.get_freeze_count()
    with bulk():
        assert not gc.isenabled()
        built = [[n] for n in range(5_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + len(built)


def test_it_works_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), bulk():
        _ = 1 / 0
    assert gc.isenabled()

"""The garbage collector rests while much is built, and only then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler.session import bulk, let_go


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


def test_blocks_of_several_threads_may_overlap() -> None:
    with bulk():
        with bulk():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the other one is not over"
        let_go()
        assert not gc.isenabled()
    assert gc.isenabled()


class Ring:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.own = self


def test_who_goes_on_lets_go_of_what_was_built() -> None:
    with bulk():
        ring = weakref.ref(Ring())
    gc.collect()
    assert ring() is not None, "it was left alone"
    let_go()
    assert ring() is None

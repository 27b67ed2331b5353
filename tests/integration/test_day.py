"""The requests of a day run out in the middle of an apply: it ends, says why, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company


def test_an_apply_that_uses_up_the_day_ends_and_the_next_one_goes_on(
    company: Callable[..., Company], reconciler: Callable[..., Called]
) -> None:
    box = Sandbox("hootsuite", rate=0)
    with running(box) as url:
        files = company(gallery="hootsuite", tenant=url)
        files.edit_app(profile={"rate": {"perDay": 8}})
        ended = reconciler("apply", files.root, "--yes")
        assert ended.code in {1, 4}
        assert "the 8 requests a day are used up" in ended.out + ended.err
        assert "tomorrow" in ended.out + ended.err
        files.edit_app(profile={})
        went_on = reconciler("apply", files.root, "--yes")
        assert went_on.code == 0
        assert reconciler("plan", files.root).out.count("Nothing to do") == 1

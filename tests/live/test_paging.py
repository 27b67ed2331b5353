"""Whatever a server does with its pages, the whole list is read, or it is an error."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import IncompleteRead

COUNT = 7


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), number=st.integers(0, 60), concurrency=st.integers(1, 9), says=st.booleans())
def test_all_or_an_error(using: Any, data: st.DataObject, number: int, concurrency: int, says: bool) -> None:
    """Each page: shorter than asked, longer than asked, from another start, or with rows twice; the total is true."""
    rows = [{"id": str(n)} for n in range(number)]
    habits = data.draw(st.lists(st.tuples(st.integers(1, 12), st.integers(-3, 3), st.booleans()), max_size=12))
    steady = data.draw(st.integers(1, 12))
    seen = 0

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal seen
        if request.url.path.endswith("/Groups"):
            return httpx.Response(200, json={"totalResults": 0})
        size, off, twice = habits[seen] if seen < len(habits) else (steady, 0, False)
        seen += 1
        start = max(0, int(request.url.params["startIndex"]) - 1 + off)
        page = rows[start : start + size]
        page = page + page[:1] if twice else page
        return httpx.Response(200, json={"Resources": page} | ({"totalResults": number} if says else {}))

    profile = {"paging": {"count": COUNT}, "rate": {"concurrency": concurrency}}
    found: set[str] | None
    try:
        snapshot = using(serve, lambda rig: rig.reader.read((), ()), **profile)
        found = {account.id for account in snapshot.accounts}
    except IncompleteRead:
        found = None
    if not habits:
        assert found is not None or (not says and steady == COUNT), "a server that behaves is read"
    if found is not None and (says or not habits):
        assert found == {row["id"] for row in rows}
    assert seen <= 3 * number + 20, "it ends"

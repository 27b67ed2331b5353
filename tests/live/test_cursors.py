"""Lists by cursor (RFC 9865), and lists whose server says no to paging as it was asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.errors import IncompleteRead, ScimError

CURSOR = {"paging": {"style": "cursor", "count": 10}}
OPAQUE = "a+b/c=ä &?#{}"


class Cursors:
    """`size` rows a page. `cursor(place, page)` makes the next cursor; `spoil(number, params)` may answer instead."""

    def __init__(self, rows: list[dict[str, Any]], *, size: int = 10, total: Any = len, spoil: Any = None) -> None:
        self.rows, self.size, self.total = rows, size, total
        self.spoil = spoil or (lambda _number, _params: None)
        self.asked: list[dict[str, str]] = []
        self.groups: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        if request.url.path.endswith("/Groups"):
            self.groups.append(params)
            return httpx.Response(200, json={"totalResults": 0})
        self.asked.append(params)
        if (answer := self.spoil(len(self.asked), params)) is not None:
            return answer  # type: ignore[no-any-return]
        place = int(params.get("cursor", "").removeprefix(OPAQUE) or 0)
        body: dict[str, Any] = {"Resources": self.rows[place : place + self.size]}
        if (total := self.total(self.rows)) is not None:
            body["totalResults"] = total
        if place + self.size < len(self.rows):
            body["nextCursor"] = f"{OPAQUE}{place + self.size}"
        return httpx.Response(200, json=body)


def names(using: Any, server: Any, **profile: Any) -> list[str]:
    snapshot = using(server, lambda rig: rig.reader.read(("userName",), ()), **profile)
    return sorted(account.id for account in snapshot.accounts)


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 35])
@pytest.mark.parametrize("total", [len, lambda _: None, lambda rows: str(len(rows))])
def test_every_page_comes_whatever_is_said_of_the_total(using: Any, people: Any, number: int, total: Any) -> None:
    server = Cursors(people(number), total=total)
    assert names(using, server, **CURSOR) == ids(server.rows)
    assert len(server.asked) == max(1, -(-number // 10))


def test_the_first_cursor_is_empty_and_those_after_it_are_what_came(using: Any, people: Any) -> None:
    server = Cursors(people(25))
    names(using, server, **CURSOR)
    assert [params["cursor"] for params in server.asked] == ["", f"{OPAQUE}10", f"{OPAQUE}20"]


def test_all_other_parameters_stay_as_they_were(using: Any, people: Any) -> None:
    server = Cursors(people(25))
    profile = {**CURSOR, "groups": {"readMembers": "byFilter"}}

    def members(rig: Any) -> Any:
        return rig.reader.members("g1")

    server.spoil = lambda _, params: (
        None if '"g1"' in params["filter"] else httpx.Response(200, json={"totalResults": 0})
    )
    assert len(using(server, members, **profile)) == 25
    walked = [params for params in server.asked if '"g1"' in params["filter"]]
    assert len(walked) == 3
    assert {(params["filter"], params["count"]) for params in walked} == {('groups.value eq "g1"', "10")}


@pytest.mark.parametrize("lie", [1, -1, 500])
def test_a_wrong_total_is_an_error(using: Any, people: Any, lie: int) -> None:
    server = Cursors(people(25), total=lambda rows: len(rows) + lie)
    with pytest.raises(IncompleteRead, match=f"25 resources came, and the server said there are {25 + lie}"):
        names(using, server, **CURSOR)


@pytest.mark.parametrize("again", ["same", "first", "other"])
def test_cursors_that_do_not_end_are_an_error(using: Any, people: Any, again: str) -> None:
    rows = people(20)

    def spoil(number: int, params: dict[str, str]) -> httpx.Response:
        following = {"same": "x", "first": "xy"[number % 2], "other": f"x{number}"}[again]
        return httpx.Response(200, json={"Resources": rows, "nextCursor": following})

    server = Cursors(rows, spoil=spoil)
    with pytest.raises(IncompleteRead, match="20 resources came, and the cursors go round in a circle") as told:
        names(using, server, **CURSOR)
    assert "paging.style: index" in str(told.value)
    assert len(server.asked) < 8


def test_pages_without_anybody_do_not_go_on_for_ever(using: Any, people: Any) -> None:
    server = Cursors(people(5), spoil=lambda n, _: httpx.Response(200, json={"Resources": [], "nextCursor": f"c{n}"}))
    with pytest.raises(IncompleteRead, match="0 resources came"):
        names(using, server, **CURSOR)
    assert len(server.asked) < 8


def test_one_empty_page_between_others_is_no_end(using: Any, people: Any) -> None:
    rows = people(20)
    pages = {"": (rows[:10], "a"), "a": ([], "b"), "b": (rows[10:], None)}

    def spoil(_: int, params: dict[str, str]) -> httpx.Response:
        found, following = pages[params["cursor"]]
        return httpx.Response(200, json={"Resources": found} | ({"nextCursor": following} if following else {}))

    assert names(using, Cursors(rows, spoil=spoil), **CURSOR) == ids(rows)


@pytest.mark.parametrize("kind", ["expiredCursor", "invalidCursor"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_spent_cursor_begins_anew(using: Any, people: Any, refusal: Any, kind: str, times: int) -> None:
    left = [times]

    def spoil(_: int, params: dict[str, str]) -> httpx.Response | None:
        if params["cursor"] == f"{OPAQUE}20" and left[0]:
            left[0] -= 1
            return refusal(400, "start again", kind)  # type: ignore[no-any-return]
        return None

    server = Cursors(people(35), spoil=spoil)
    assert names(using, server, **CURSOR) == ids(server.rows)
    assert len(server.asked) == 4 + 3 * times


def test_cursors_that_are_always_spent_are_told_after_a_few_walks(using: Any, people: Any, refusal: Any) -> None:
    server = Cursors(
        people(35), spoil=lambda _, params: refusal(400, "start again", "expiredCursor") if params["cursor"] else None
    )
    with pytest.raises(ScimError, match="start again"):
        names(using, server, **CURSOR)
    assert len(server.asked) == 8


def test_another_refusal_in_the_middle_is_told_at_once(using: Any, people: Any, refusal: Any) -> None:
    server = Cursors(
        people(35), spoil=lambda _, params: refusal(400, "no", "invalidValue") if params["cursor"] else None
    )
    with pytest.raises(ScimError, match="no"):
        names(using, server, **CURSOR)
    assert len(server.asked) == 2


def test_who_leaves_while_the_list_is_walked_makes_it_read_again(using: Any, people: Any) -> None:
    server = Cursors(people(25))

    def spoil(number: int, _: dict[str, str]) -> None:
        if number == 3:
            server.rows.pop()

    server.spoil = spoil
    assert names(using, server, **CURSOR) == ids(server.rows)
    assert len(server.rows) == 24


# --- another way than the one that was asked for ----------------------------------------------------------------------


def test_a_refused_count_is_tried_smaller(using: Any, people: Any, refusal: Any) -> None:
    server = Cursors(
        people(25), spoil=lambda _, p: refusal(400, "too many", "invalidCount") if int(p["count"]) > 50 else None
    )
    assert names(using, server, paging={"style": "cursor", "count": 500}) == ids(server.rows)
    assert [params["count"] for params in server.asked] == ["500", "100", "50", "50", "50"]


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_walks_by_cursor_alone_is_read(using: Any, people: Any, refusal: Any, status: int) -> None:
    server = Cursors(people(25), spoil=lambda _, p: refusal(status, "no index") if "startIndex" in p else None)
    assert names(using, server) == ids(server.rows)
    assert ["cursor" in params for params in server.asked[-3:]] == [True] * 3
    assert ["cursor" in params for params in server.groups] == [True], "what worked is remembered"


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_that_walks_by_index_alone_is_read(
    using: Any, scim: Any, people: Any, refusal: Any, status: int
) -> None:
    fake = scim(users=people(25))

    def serve(request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = refusal(status, "no cursor") if "cursor" in request.url.params else fake(request)
        return answer

    assert names(using, serve, **CURSOR) == ids(fake.users)
    assert [params["startIndex"] for params in fake.lists()] == ["1", "11", "21"]
    assert len(fake.lists("/Groups")) == 1


class Crashing:
    """A server that fails on `count`, and gives everything without it."""

    def __init__(self, fake: Any) -> None:
        self.fake, self.crashed = fake, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "count" in request.url.params:
            self.crashed += 1
            return httpx.Response(500, text="int and str")
        answer: httpx.Response = self.fake(request)
        return answer


def test_a_server_that_crashes_on_count_is_asked_without(using: Any, scim: Any, people: Any) -> None:
    server = Crashing(scim(users=people(25), groups=[{"id": "g", "displayName": "G"}]))
    assert names(using, server) == ids(server.fake.users)
    assert (server.fake.lists(), server.fake.lists("/Groups")) == ([{}], [{}])
    once = server.crashed
    assert once == 5, "each other way once, the first with its retry"

    async def twice(rig: Any) -> Any:
        await rig.reader.read(("userName",), ())
        await rig.reader.find_user("userName", "person1@contoso.com")
        return await rig.reader.read(("userName",), ())

    using(server, twice)
    assert server.crashed == 2 * once, "one reader finds out once"


def test_everything_at_once_without_a_total_is_nothing_to_plan_on(using: Any, scim: Any, people: Any) -> None:
    """A page of the server's own size, of which nobody knows whether it is everything."""
    server = Crashing(scim(users=people(25), total=lambda *_: None))
    with pytest.raises(IncompleteRead, match="neither how many there are nor how to get the next page") as told:
        names(using, server)
    assert "paging.style" in str(told.value)
    assert names(using, server, paging={"style": "none"}) == ids(server.fake.users)


def test_one_answer_that_names_a_next_page_is_not_everything(using: Any, people: Any) -> None:
    server = Cursors(people(25), total=lambda _: None)
    with pytest.raises(IncompleteRead, match="10 resources came"):
        names(using, server, paging={"style": "none"})


# --- where the next page begins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advance", "starts"),
    [("received", ["1", "8", "15", "22"]), ("count", ["1", "11", "21"]), ("page", ["1", "2", "3"])],
)
@pytest.mark.parametrize("says", [True, False])
def test_the_next_page_begins_where_the_profile_says(
    using: Any, people: Any, advance: str, starts: list[str], says: bool
) -> None:
    rows, asked = people(25), []

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/Groups"):
            return httpx.Response(200, json={"totalResults": 0})
        start = int(request.url.params["startIndex"])
        asked.append(str(start))
        size = 7 if advance == "received" else 10
        first = (start - 1) * size if advance == "page" else start - 1
        page = rows[first : first + size]
        return httpx.Response(200, json={"Resources": page} | ({"totalResults": len(rows)} if says else {}))

    assert names(using, serve, paging={"count": 10, "advance": advance}) == ids(rows)
    assert sorted(asked[: len(starts)], key=int) == starts


@pytest.mark.parametrize("advance", ["count", "page"])
@pytest.mark.parametrize("lie", [1, -1])
def test_a_total_that_lies_is_an_error_however_pages_are_counted(
    using: Any, people: Any, advance: str, lie: int
) -> None:
    rows = people(25)

    def serve(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["startIndex"])
        first = (start - 1) * 10 if advance == "page" else start - 1
        return httpx.Response(200, json={"Resources": rows[first : first + 10], "totalResults": len(rows) + lie})

    with pytest.raises(IncompleteRead, match=f"there are {25 + lie}"):
        names(using, serve, paging={"count": 10, "advance": advance})


@pytest.mark.parametrize("total", [250, None])
def test_the_hint_where_start_index_is_ignored_names_both_ways_out(
    using: Any, scim: Any, people: Any, total: int | None
) -> None:
    with pytest.raises(IncompleteRead) as told:
        names(using, scim(users=people(250), starts=False, total=lambda *_: total))
    assert "paging.style: none" in str(told.value)
    assert "paging.trusted: false" in str(told.value)


# --- answers with a meaning of the application's own ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meaning", "error"),
    [
        ({"says": "quota exceeded", "means": "rateLimited"}, "Throttled"),
        ({"says": "QUOTA", "means": "unavailable"}, "ServerFailed"),
        ({"status": 418, "means": "forbidden"}, "Forbidden"),
        ({"status": 418, "says": "quota", "means": "unauthorized"}, "Unauthorized"),
    ],
)
def test_what_an_error_means_is_looked_up_for_lists_too(
    using: Any, scim: Any, meaning: dict[str, Any], error: str
) -> None:
    server = scim(intercept=lambda *_: httpx.Response(418, json={"error": "quota exceeded"}))
    with pytest.raises(ScimError) as told:
        names(using, server, answers={"errors": [meaning]})
    assert type(told.value).__name__ == error


def test_a_part_without_a_total_is_not_believed_from_a_server_that_refused_to_page(using: Any, people: Any) -> None:
    """It refuses startIndex, does not know cursors, and gives the first rows of whatever there is."""
    rows = people(35)

    def server(request: httpx.Request) -> httpx.Response:
        if "startIndex" in request.url.params:
            return httpx.Response(400, json={"detail": "startIndex is not known here"})
        return httpx.Response(200, json={"Resources": rows[:20]})

    with pytest.raises(IncompleteRead, match="20 resources came"):
        names(using, server)

"""A list is read completely, or it is an error; the order of the server never shows."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

from reconciler.errors import Forbidden, IncompleteRead, NotScim, ScimError, ServerFailed, Unauthorized, WrongResource

PATHS = (
    "userName",
    "active",
    'emails[type eq "work"].value',
    "displayName",
    "preferredLanguage",
    "timezone",
    "name.givenName",
    "name.familyName",
)


def read(using: Any, fake: Any, **profile: Any) -> Any:
    return using(fake, lambda rig: rig.reader.read(PATHS, ("displayName",)), **profile)


@pytest.mark.parametrize("number", [0, 1, 9, 10, 99, 100, 101, 1000, 1001])
@pytest.mark.parametrize("cap", [None, 37, 100])
def test_everything_is_read_whatever_the_page_size(
    using: Any, scim: Any, people: Any, number: int, cap: int | None
) -> None:
    fake = scim(users=people(number), cap=cap)
    snapshot = read(using, fake)
    assert [a.id for a in snapshot.accounts] == sorted(u["id"] for u in fake.users)
    assert snapshot.numbers == {a.id: n for n, a in enumerate(snapshot.accounts)}
    assert snapshot.tenant_url == "https://app.example/scim/v2"
    assert snapshot.requests == len(fake.log)


def test_a_row_has_the_values_at_the_paths_and_what_active_means(using: Any, scim: Any) -> None:
    odd = {"id": 7, "username": "Ada@contoso.com", "Active": "False", "emails": {"type": "work", "value": "a@b"}}
    rich = {
        "id": "8",
        "userName": "grace",
        "name": {"familyName": "Hopper"},
        "emails": [
            {"type": "work", "value": "w1@b"},
            {"type": "home", "value": "h@b"},
            {"type": "work", "value": "w2@b", "primary": True},
        ],
    }
    snapshot = read(using, scim(users=[rich, odd]))
    ada, grace = snapshot.accounts
    assert (ada.id, ada.active, ada.values) == ("7", False, ("Ada@contoso.com", "False", "a@b") + (None,) * 5)
    assert (grace.id, grace.active) == ("8", True)
    assert grace.values == ("grace", None, "w2@b", None, None, None, None, "Hopper")


def test_the_order_of_the_server_does_not_show(using: Any, scim: Any, people: Any) -> None:
    users = people(150)
    groups = [
        {"id": f"g{i}", "displayName": f"G{i}", "members": [{"value": u["id"]} for u in users[i:]]} for i in range(20)
    ]
    first = read(using, scim(users=users, groups=groups))
    shuffled = [{**g, "members": random.sample(g["members"], len(g["members"]))} for g in random.sample(groups, 20)]
    again = read(using, scim(users=random.sample(users, 150), groups=shuffled))
    assert (first.accounts, first.groups) == (again.accounts, again.groups)


def test_members_are_numbers_and_strangers_are_kept_apart(using: Any, scim: Any, people: Any) -> None:
    members = [{"value": "u000002"}, {"value": "u000001"}, {"value": "u000002"}, {"value": "gone"}, {"value": 12}, {}]
    groups = [{"id": "b", "displayName": "Empty"}, {"id": "a", "displayName": "Full", "members": members}]
    full, empty = read(using, scim(users=people(3), groups=groups)).groups
    assert (full.members, full.others, full.values) == ({0, 1}, frozenset({"gone", "12"}), ("Full",))
    assert (empty.members, empty.others) == (set(), frozenset())


@pytest.mark.parametrize("honoured", [True, False])
def test_members_can_be_left_out(using: Any, scim: Any, people: Any, honoured: bool) -> None:
    fake = scim(users=people(2), groups=[{"id": "a", "displayName": "A", "members": [{"value": "u000001"}]}])
    profile = {"excludedAttributes": honoured}
    snapshot = using(fake, lambda rig: rig.reader.read(PATHS, ("displayName",), members=False), **profile)
    assert snapshot.groups[0].members == set()
    assert ("excludedAttributes" in fake.lists("/Groups")[0]) is honoured


def test_progress_is_told_after_each_page(using: Any, scim: Any, people: Any) -> None:
    told: list[tuple[str, int, int | None]] = []
    fake = scim(users=people(250), groups=[{"id": "a", "displayName": "A"}])
    using(fake, lambda rig: rig.reader.read(PATHS, (), progress=lambda *what: told.append(what)))
    assert told == [("users", 100, 250), ("users", 200, 250), ("users", 250, 250), ("groups", 1, 1)]


# --- totals -----------------------------------------------------------------------------------------------------------


def test_the_total_may_be_text_or_missing(using: Any, scim: Any, people: Any) -> None:
    assert len(read(using, scim(users=people(120), total=lambda rows, _: str(rows))).accounts) == 120
    assert len(read(using, scim(users=people(120), total=lambda rows, _: None)).accounts) == 120
    assert len(read(using, scim(users=people(100), total=lambda rows, _: None, cap=40)).accounts) == 100


@pytest.mark.parametrize("number", [12, 150, 230])
@pytest.mark.parametrize("lie", [1, -1, 5000, -5])
def test_a_total_that_lies_is_an_error(using: Any, scim: Any, people: Any, number: int, lie: int) -> None:
    fake = scim(users=people(number), total=lambda rows, _: rows + lie if rows else 0)
    with pytest.raises(IncompleteRead, match=rf"GET .*/Users.*{number}?.* resources came.*there are {number + lie}"):
        read(using, fake)
    assert len(fake.log) < 40


def test_a_total_that_is_only_the_size_of_the_page_is_an_error(using: Any, scim: Any, people: Any) -> None:
    with pytest.raises(IncompleteRead):
        read(using, scim(users=people(350), total=lambda _, page: page))
    with pytest.raises(IncompleteRead):
        read(using, scim(users=people(60), cap=20, total=lambda _, page: page))


@pytest.mark.parametrize("total", ["many", True, -3, 1.5, [1]])
def test_a_total_that_is_no_number_is_not_scim(using: Any, scim: Any, people: Any, total: Any) -> None:
    with pytest.raises(NotScim, match="totalResults that is no number"):
        read(using, scim(users=people(2), total=lambda *_: total))


def test_an_endless_list_of_the_same_page_ends(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(100), starts=False, total=lambda *_: 10**12)
    with pytest.raises(IncompleteRead, match="100 resources came, and the server said there are 1000000000000"):
        read(using, fake)
    assert len(fake.log) < 20
    with pytest.raises(IncompleteRead, match="no total, and repeated its first page"):
        read(using, scim(users=people(500), starts=False, total=lambda *_: None))


def test_a_list_without_an_end_is_stopped(using: Any, scim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.live.paging._MOST", 1000)
    made = iter(range(10**9))

    def endless(method: str, path: str, body: Any) -> httpx.Response:
        return httpx.Response(200, json={"Resources": [{"id": next(made)} for _ in range(100)]})

    with pytest.raises(IncompleteRead, match="did not end"):
        read(using, scim(intercept=endless))


def test_a_server_that_ignores_paging_and_sends_all_is_understood(using: Any, scim: Any, people: Any) -> None:
    rows = people(250)

    def all_of_it(method: str, path: str, body: Any) -> httpx.Response | None:
        if path != "/Users":
            return None
        return httpx.Response(200, json={"totalResults": 250, "Resources": rows})

    assert len(read(using, scim(intercept=all_of_it)).accounts) == 250


def test_duplicates_are_dropped_and_then_missed(using: Any, scim: Any, people: Any) -> None:
    users = people(120)
    users[110] = users[5]
    with pytest.raises(IncompleteRead, match="119 resources came"):
        read(using, scim(users=users))


@pytest.mark.parametrize("sizes", [{1: 50, 51: 50, 101: 10, 111: 30}, {1: 10, 11: 50}])
def test_pages_that_come_out_uneven_are_walked_in_order(
    using: Any, scim: Any, people: Any, sizes: dict[int, int]
) -> None:
    rows = people(300)

    class Uneven:
        def __init__(self) -> None:
            self.fake = scim(users=rows)

        def __call__(self, request: httpx.Request) -> httpx.Response:
            start = int(request.url.params.get("startIndex", 1))
            self.fake.cap = sizes.get(start, 40)
            answer: httpx.Response = self.fake(request)
            return answer

    assert len(read(using, Uneven()).accounts) == 300


def test_without_paging_one_request_brings_all_or_it_is_an_error(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(250))
    assert len(read(using, fake, paging={"style": "none"}).accounts) == 250
    assert fake.lists() == [{}]
    with pytest.raises(IncompleteRead, match="100 resources came"):
        read(using, scim(users=people(250), cap=100), paging={"style": "none"})


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_page_size_is_tried_smaller(using: Any, scim: Any, people: Any, refusal: Any, status: int) -> None:
    class Strict:
        def __init__(self, most: int) -> None:
            self.fake, self.most = scim(users=people(130)), most

        def __call__(self, request: httpx.Request) -> httpx.Response:
            if int(request.url.params.get("count", 1000)) > self.most:
                return refusal(status, "count is too large")  # type: ignore[no-any-return]
            answer: httpx.Response = self.fake(request)
            return answer

    strict = Strict(50)
    assert len(read(using, strict, paging={"count": 1000}).accounts) == 130
    assert {params["count"] for params in strict.fake.lists()} <= {"50", "30"}
    with pytest.raises(ScimError, match="count is too large"):
        read(using, Strict(3))


# --- moving lists -----------------------------------------------------------------------------------------------------


class Moving:
    """Runs `move(n)` on the rows before the n-th list request for users."""

    def __init__(self, fake: Any, move: Any) -> None:
        self.fake, self.move, self.seen = fake, move, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/Users"):
            self.seen += 1
            self.move(self.seen)
        answer: httpx.Response = self.fake(request)
        return answer


def test_a_list_that_moved_once_is_read_again(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(250))
    moving = Moving(fake, lambda n: fake.users.pop(0) if n == 2 else None)
    snapshot = read(using, moving)
    assert [a.id for a in snapshot.accounts] == sorted(u["id"] for u in fake.users)
    assert len(snapshot.accounts) == 249


def test_a_list_that_keeps_moving_is_settled_one_by_one(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(250))
    moving = Moving(fake, lambda n: fake.users.insert(0, {"id": f"late{n}", "userName": f"late{n}"}))
    with pytest.raises(IncompleteRead, match="changing while it is read"):
        read(using, moving, rate={"concurrency": 1})
    fake = scim(users=people(250))
    moving = Moving(fake, lambda n: fake.users.pop() if n in (2, 6, 10) else None)
    assert len(read(using, moving, rate={"concurrency": 1}).accounts) == 247
    assert [path for _, path, _ in fake.sent("GET") if path.startswith("/Users/")], "ids in doubt were asked for"


# --- answers that are no list -----------------------------------------------------------------------------------------

HTML = (
    "<!doctype html><html><head><style>b{}</style><title>Sign in</title></head><body>Log in here\x1b[31m</body></html>"
)


@pytest.mark.parametrize(
    ("answer", "kind", "match"),
    [
        (httpx.Response(200, html=HTML), NotScim, 'is no SCIM list: "Sign in Log in here'),
        (httpx.Response(200, text="ok"), NotScim, 'GET https://app.example/scim/v2/Users.* no SCIM list: "ok"'),
        (httpx.Response(200), NotScim, "no SCIM list: nothing"),
        (httpx.Response(200, json=[]), NotScim, "no SCIM list"),
        (httpx.Response(200, json={"data": []}), NotScim, "no SCIM list"),
        (httpx.Response(200, json={"totalResults": 1, "Resources": {}}), NotScim, "no SCIM list"),
        (httpx.Response(200, json={"totalResults": 1, "Resources": ["x"]}), NotScim, "without a usable id"),
        (
            httpx.Response(200, json={"totalResults": 1, "Resources": [{"userName": "x"}]}),
            NotScim,
            "without a usable id",
        ),
        (httpx.Response(200, json={"totalResults": 1, "Resources": [{"id": ".."}]}), NotScim, "without a usable id"),
        (httpx.Response(200, json={"totalResults": 3}), IncompleteRead, "0 resources came.*there are 3"),
        (httpx.Response(302, headers={"location": "https://login.example/x?token=s3cr3t"}), NotScim, "login.example"),
        (httpx.Response(401, json={"error": "invalid_token"}), Unauthorized, r"refused \(401\): invalid_token"),
        (httpx.Response(403, text="no"), Forbidden, "no"),
        (httpx.Response(500, text="boom"), ServerFailed, "boom"),
        (httpx.Response(200, json={"errors": [{"code": 5, "message": "quota"}]}), ScimError, "quota"),
    ],
)
def test_what_is_no_list_is_told_with_the_request(
    using: Any, scim: Any, answer: httpx.Response, kind: type[Exception], match: str
) -> None:
    with pytest.raises(kind, match=match) as told:
        read(using, scim(intercept=lambda *_: answer))
    text = str(told.value)
    assert "GET https://app.example/scim/v2/Users" in text
    assert "s3cr3t" not in text
    assert "\x1b" not in text
    assert text.count("\n") == 1, "there is a hint"


def test_resources_may_be_missing_where_nobody_is(using: Any, scim: Any) -> None:
    fake = scim(intercept=lambda *_: httpx.Response(200, json={"totalResults": 0}))
    assert read(using, fake).accounts == []


# --- single resources -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a@b", "a/b", "a+b c", "ü%2F", "?x#y"])
def test_ids_are_opaque(using: Any, scim: Any, key: str) -> None:
    fake = scim(users=[{"id": key, "userName": "x"}], groups=[{"id": key, "displayName": "g"}])
    assert using(fake, lambda rig: rig.reader.user(key))["id"] == key
    assert using(fake, lambda rig: rig.reader.group(key))["id"] == key


def test_who_is_not_there_is_none(using: Any, scim: Any) -> None:
    assert using(scim(), lambda rig: rig.reader.user("1")) is None
    assert using(scim(), lambda rig: rig.reader.group("1")) is None


def test_403_is_unknown_only_where_reading_is_permitted(using: Any, scim: Any, refusal: Any) -> None:
    def alone(_: str, path: str, __: Any) -> Any:
        return refusal(403, "no permission") if path != "/Users" else None

    def always(*_: Any) -> Any:
        return refusal(403, "no permission")

    hootsuite = {"answers": {"notFound": [404, 403]}}
    assert using(scim(intercept=alone), lambda rig: rig.reader.user("1"), **hootsuite) is None
    with pytest.raises(Forbidden):
        using(scim(intercept=always), lambda rig: rig.reader.user("1"), **hootsuite)
    with pytest.raises(Forbidden):
        using(scim(intercept=alone), lambda rig: rig.reader.user("1"))


def test_a_resource_without_an_id_is_not_scim(using: Any, scim: Any) -> None:
    with pytest.raises(NotScim, match="no SCIM resource with an id"):
        using(scim(intercept=lambda *_: httpx.Response(200, json={"userName": "x"})), lambda rig: rig.reader.user("1"))


def test_another_resource_is_not_the_one_that_was_asked_for(using: Any, scim: Any) -> None:
    other = scim(intercept=lambda *_: httpx.Response(200, json={"id": "2", "userName": "x"}))
    with pytest.raises(WrongResource, match="is about the resource 2 instead"):
        using(other, lambda rig: rig.reader.user("1"))


# --- looking up -------------------------------------------------------------------------------------------------------


def test_a_trusted_filter_is_used_and_compared(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(150))
    found = using(fake, lambda rig: rig.reader.find_user("userName", "PERSON3@contoso.com"))
    assert [each["displayName"] for each in found] == ["Person 3"]
    assert len(fake.log) == 1
    assert using(fake, lambda rig: rig.reader.find_user("userName", "nobody")) == []


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_filter_that_fails_or_is_ignored_makes_us_list(
    using: Any, scim: Any, people: Any, refusal: Any, status: int
) -> None:
    for number in (5, 150):
        ignoring = scim(users=people(number), honours_filter=False)
        wanted = f"person{number - 1}@contoso.com"
        found = using(ignoring, lambda rig, wanted=wanted: rig.reader.find_user("userName", wanted))
        assert [each["userName"] for each in found] == [wanted]

    class Refusing:
        def __init__(self) -> None:
            self.fake = scim(users=people(150))

        def __call__(self, request: httpx.Request) -> httpx.Response:
            return refusal(status, "filter") if "filter" in request.url.params else self.fake(request)  # type: ignore[no-any-return]

    assert len(using(Refusing(), lambda rig: rig.reader.find_user("userName", "person149@contoso.com"))) == 1


def test_what_no_filter_is_trusted_for_is_listed(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(150), groups=[{"id": "1", "displayName": 'A "b" \\ c'}])
    path = 'emails[type eq "work"].value'
    assert len(using(fake, lambda rig: rig.reader.find_user(path, "Person149@contoso.com"))) == 1
    assert not any("filter" in params for params in fake.lists())
    assert len(using(fake, lambda rig: rig.reader.find_group("displayName", 'A "b" \\ c'))) == 1
    assert fake.lists("/Groups")[0]["filter"] == r'displayName eq "A \"b\" \\ c"'


def test_the_connection_is_tested_by_a_value_nobody_has(using: Any, scim: Any, people: Any) -> None:
    fake = scim(users=people(3))
    connection = using(fake, lambda rig: rig.reader.probe())
    assert connection.filters
    assert fake.lists()[0]["filter"].startswith('userName eq "')
    assert not using(scim(users=people(3), honours_filter=False), lambda rig: rig.reader.probe()).filters
    with pytest.raises(NotScim):
        using(scim(intercept=lambda *_: httpx.Response(200, html=HTML)), lambda rig: rig.reader.probe())


def test_a_reader_has_no_way_to_write(using: Any, scim: Any, people: Any) -> None:
    from reconciler.live import Reader

    assert {name for name in vars(Reader) if not name.startswith("_")} == {
        "read", "probe", "user", "group", "find_user", "find_group", "members",
    }  # fmt: skip

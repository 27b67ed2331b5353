"""Writes: believed only when they are shown, looked up when the answer is lost, in the form the server understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import AnswerLost, Conflict, Forbidden, NotFound, NotStored, ScimError, Throttled, Unsupported
from reconciler.model.values import RemoteId

ADA = {
    "userName": "ada@contoso.com",
    "displayName": "Ada",
    "active": True,
    'emails[type eq "work"].value': "ada@contoso.com",
}
WORK = 'emails[type eq "work"].value'
ID = RemoteId("1")


def lost(request: str = "x") -> Exception:
    return httpx.ReadError("connection closed")


def only(number: int, method: str, answer: Any) -> Callable[..., Any]:
    """An interceptor that meddles with the first `number` requests of one method."""
    seen = 0

    def hook(got: str, path: str, body: Any) -> Any:
        nonlocal seen
        if got != method or seen >= number:
            return None
        seen += 1
        return answer() if callable(answer) else answer

    return hook


# --- create -----------------------------------------------------------------------------------------------------------


def test_a_creation_is_one_request(using: Any, scim: Any) -> None:
    fake = scim()
    stored = using(fake, lambda rig: rig.writer.create_user(ADA), emailPrimary=True)
    assert (stored.id, stored.adopted, stored.resource["displayName"]) == ("n1", False, "Ada")
    assert fake.users[0]["emails"] == [{"type": "work", "value": "ada@contoso.com", "primary": True}]
    assert [m for m, *_ in fake.log] == ["POST"]


@pytest.mark.parametrize("answer", [lost, lambda: httpx.Response(500), lambda: httpx.Response(503, text="busy")])
def test_a_creation_that_arrived_without_an_answer_is_adopted(using: Any, scim: Any, answer: Any) -> None:
    fake = scim(after=only(1, "POST", answer))
    stored = using(fake, lambda rig: rig.writer.create_user(ADA))
    assert (stored.id, stored.adopted) == ("n1", True)
    assert len(fake.users) == len(fake.sent("POST")) == 1


@pytest.mark.parametrize("answer", [lost, lambda: httpx.Response(502)])
def test_a_creation_that_did_not_arrive_is_sent_once_more(using: Any, scim: Any, answer: Any) -> None:
    fake = scim(intercept=only(1, "POST", answer))
    stored = using(fake, lambda rig: rig.writer.create_user(ADA))
    assert (stored.id, stored.adopted, len(fake.sent("POST"))) == ("n1", False, 2)


def test_a_creation_that_never_arrives_is_an_error(using: Any, scim: Any) -> None:
    fake = scim(intercept=only(9, "POST", lost))
    with pytest.raises(AnswerLost):
        using(fake, lambda rig: rig.writer.create_user(ADA))
    assert len(fake.sent("POST")) == 2


def test_a_creation_without_an_answer_never_takes_somebody_elses_account(using: Any, scim: Any) -> None:
    fake = scim(users=[{"id": "7", **ADA, "displayName": "Somebody"}], intercept=only(1, "POST", lost))
    with pytest.raises(Conflict, match="user 7 has the name that was sent, but other values"):
        using(fake, lambda rig: rig.writer.create_user(ADA))


def test_the_second_try_may_meet_the_first(using: Any, scim: Any, people: Any, refusal: Any) -> None:
    """An application that shows new accounts late: the look-up finds nobody, the second POST conflicts."""
    fake = scim()
    hidden = only(1, "GET", lambda: httpx.Response(200, json={"totalResults": 0, "Resources": []}))
    fake.intercept, fake.after = hidden, only(1, "POST", lost)
    stored = using(fake, lambda rig: rig.writer.create_user(ADA))
    assert (stored.id, stored.adopted, len(fake.users)) == ("n1", True, 1)


@pytest.mark.parametrize("status", [409, 400])
def test_a_conflict_is_told_and_nothing_is_adopted(using: Any, scim: Any, refusal: Any, status: int) -> None:
    fake = scim(intercept=only(9, "POST", lambda: refusal(status, "e-mail in use", "uniqueness")))
    with pytest.raises(Conflict, match="e-mail in use"):
        using(fake, lambda rig: rig.writer.create_user(ADA))
    assert len(fake.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(201),
        lambda: httpx.Response(202, text="accepted"),
        lambda: httpx.Response(201, json={"userName": "ada@contoso.com"}),
        lambda: httpx.Response(200, json={"id": "0", "userName": "somebody@contoso.com"}),
        lambda: httpx.Response(201, json={"id": "n1"}),
    ],
)
def test_an_answer_that_does_not_show_the_account_makes_us_look(using: Any, scim: Any, answer: Any) -> None:
    fake = scim(after=only(1, "POST", answer))
    stored = using(fake, lambda rig: rig.writer.create_user(ADA))
    assert (stored.id, stored.resource["userName"], stored.adopted) == ("n1", "ada@contoso.com", False)


def test_an_answer_about_somebody_else_is_not_believed(using: Any, scim: Any) -> None:
    other = {"id": "0", "userName": "root@contoso.com"}
    fake = scim(users=[other], intercept=only(9, "POST", lambda: httpx.Response(201, json=other)))
    with pytest.raises(ScimError, match="user 0 with another userName, and the one that was sent can't be found"):
        using(fake, lambda rig: rig.writer.create_user(ADA))


def test_a_server_may_change_the_case_of_the_name(using: Any, scim: Any) -> None:
    upper = {"id": "5", "userName": "ADA@contoso.com"}
    fake = scim(intercept=only(1, "POST", lambda: httpx.Response(201, json=upper)))
    assert using(fake, lambda rig: rig.writer.create_user(ADA)).id == "5"
    assert len(fake.log) == 1


def test_several_hits_after_a_lost_answer_are_a_question(using: Any, scim: Any) -> None:
    fake = scim(users=[{"id": "7", **ADA}, {"id": "8", **ADA}], intercept=only(1, "POST", lost))
    with pytest.raises(Conflict, match="several resources have the userName that was sent: 7, 8"):
        using(fake, lambda rig: rig.writer.create_user(ADA))


@pytest.mark.parametrize(("status", "kind"), [(403, Forbidden), (429, Throttled)])
def test_a_refused_creation_is_not_repeated(using: Any, scim: Any, refusal: Any, status: int, kind: Any) -> None:
    fake = scim(intercept=only(9, "POST", lambda: refusal(status, "no")))
    with pytest.raises(kind):
        using(fake, lambda rig: rig.writer.create_user(ADA))
    assert not fake.sent("GET")


def test_an_account_without_a_name_is_refused_where_it_could_not_be_found_again(using: Any, scim: Any) -> None:
    with pytest.raises(ScimError, match="without userName"):
        using(scim(), lambda rig: rig.writer.create_user({"displayName": "x"}))


def test_a_group_takes_the_members_that_fit_and_the_rest_after(using: Any, scim: Any) -> None:
    members = [RemoteId(f"m{i}") for i in range(25)]
    fake = scim()
    stored = using(fake, lambda rig: rig.writer.create_group({"displayName": "G"}, members), groups={"maxMembers": 10})
    assert [m["value"] for m in fake.groups[0]["members"]] == members
    assert [m for m, *_ in fake.log] == ["POST", "PATCH", "PATCH"]
    assert stored.id == "n1"


@pytest.mark.parametrize("on_create", [True, False])
def test_members_that_a_creation_ignores_are_added(using: Any, scim: Any, on_create: bool) -> None:
    def forgets(method: str, path: str, body: Any) -> None:
        if method == "POST":
            body.pop("members", None)

    fake = scim(intercept=forgets)
    profile = {"groups": {"membersOnCreate": on_create}}
    using(fake, lambda rig: rig.writer.create_group({"displayName": "G"}, [RemoteId("a"), RemoteId("b")]), **profile)
    assert fake.groups[0]["members"] == [{"value": "a"}, {"value": "b"}]


def test_members_that_a_creation_took_and_does_not_show_are_not_added_twice(using: Any, scim: Any) -> None:
    def silent(method: str, path: str, body: Any) -> Any:
        return httpx.Response(201, json={"id": "n1", "displayName": "G"}) if method == "POST" else None

    fake = scim(after=silent)
    using(fake, lambda rig: rig.writer.create_group({"displayName": "G"}, [RemoteId("a")]))
    assert [m for m, *_ in fake.log] == ["POST", "GET"]


# --- update -----------------------------------------------------------------------------------------------------------


def account() -> dict[str, Any]:
    return {
        "id": "1", "userName": "ada@contoso.com", "displayName": "Ada", "title": "T", "meta": {"version": "1"},
        "emails": [{"type": "home", "value": "h@b"}, {"type": "work", "value": "w@b"}], "x": {"kept": True},
        "groups": [{"value": "9"}],
    }  # fmt: skip


@pytest.mark.parametrize("form", ["patchPath", "patchPathless", "put"])
def test_every_form_writes_what_is_asked_and_nothing_else(using: Any, scim: Any, form: str) -> None:
    fake = scim(users=[account()])
    values = {"displayName": "Countess", WORK: "n@b", "title": None}
    using(fake, lambda rig: rig.writer.update_user(ID, values), users={"update": form})
    expected = account() | {"displayName": "Countess"}
    expected["emails"] = [{"type": "home", "value": "h@b"}, {"type": "work", "value": "n@b"}]
    del expected["title"]
    if form == "put":
        del expected["meta"], expected["groups"]
    assert fake.users == [expected]
    assert len(fake.sent("PATCH", "PUT")) == 1


def test_what_is_not_implemented_is_not_repeated(using: Any, scim: Any) -> None:
    fake = scim(users=[account()], intercept=lambda method, *_: httpx.Response(501) if method != "GET" else None)
    with pytest.raises(Unsupported):
        using(fake, lambda rig: rig.writer.update_user(ID, {"displayName": "C"}))
    assert [m for m, *_ in fake.sent("PATCH", "PUT")] == ["PATCH", "PATCH", "PUT"]
    with pytest.raises(Unsupported):
        using(fake, lambda rig: rig.writer.create_user(ADA))
    assert len(fake.sent("POST")) == 1


def test_a_simple_patch_is_one_request(using: Any, scim: Any) -> None:
    fake = scim(users=[account()])
    stored = using(fake, lambda rig: rig.writer.update_user(ID, {"displayName": "C", "active": False}))
    assert stored is None, "204 shows nothing"
    assert [(m, b["Operations"]) for m, _, b in fake.sent("GET", "PATCH")] == [
        (
            "PATCH",
            [
                {"op": "replace", "path": "displayName", "value": "C"},
                {"op": "replace", "path": "active", "value": False},
            ],
        )
    ]


@pytest.mark.parametrize(
    ("status", "scim_type"),
    [(400, "invalidPath"), (400, "invalidSyntax"), (400, "noTarget"), (400, "invalidValue"), (400, None), (405, None),
     (415, None), (501, None)],
)  # fmt: skip
def test_a_refused_form_gives_way_to_the_next_and_is_not_tried_again(
    using: Any, scim: Any, refusal: Any, status: int, scim_type: str | None
) -> None:
    def no_patch(method: str, path: str, body: Any) -> Any:
        return refusal(status, "no", scim_type) if method == "PATCH" else None

    async def twice(rig: Any) -> Any:
        await rig.writer.update_user(ID, {"displayName": "A"})
        rig.fake.log.clear()
        stored = await rig.writer.update_user(ID, {"displayName": "B"})
        return stored, rig.writer.form("user")

    fake = scim(users=[account()], intercept=no_patch)
    stored, form = using(fake, twice)
    assert (stored.resource["displayName"], form) == ("B", "put")
    assert [m for m, *_ in fake.log] == ["GET", "PUT"]


def test_a_refused_value_is_told_once_the_form_has_worked(using: Any, scim: Any, refusal: Any) -> None:
    def picky(method: str, path: str, body: Any) -> Any:
        bad = method in {"PATCH", "PUT"} and "klingon" in str(body)
        return refusal(400, "no such language", "invalidValue") if bad else None

    async def work(rig: Any) -> None:
        await rig.writer.update_user(ID, {"displayName": "A"})
        rig.fake.log.clear()
        await rig.writer.update_user(ID, {"preferredLanguage": "klingon"})

    fake = scim(users=[account()], intercept=picky)
    with pytest.raises(ScimError, match="no such language"):
        using(fake, work)
    assert [m for m, *_ in fake.log] == ["PATCH"]


def test_when_every_form_is_refused_the_first_refusal_is_told(using: Any, scim: Any, refusal: Any) -> None:
    reasons = iter(["first", "second", "third"])
    fake = scim(
        users=[account()],
        intercept=lambda method, *_: (
            refusal(400, next(reasons), "invalidValue") if method in {"PATCH", "PUT"} else None
        ),
    )
    with pytest.raises(ScimError, match="first"):
        using(fake, lambda rig: rig.writer.update_user(ID, {"displayName": "A"}))
    assert [m for m, *_ in fake.sent("PATCH", "PUT")] == ["PATCH", "PATCH", "PUT"]


def test_the_caller_climbs_when_nothing_was_stored(using: Any, scim: Any) -> None:
    async def work(rig: Any) -> Any:
        writer = rig.writer
        forms = [writer.form("user")]
        while (form := writer.next_form("user", forms[-1])) is not None:
            forms.append(form)
        await writer.update_user(ID, {"displayName": "A"}, form="put")
        before = writer.form("user")
        writer.prefer("user", "put")
        return forms, before, writer.form("user")

    fake = scim(users=[account()])
    assert using(fake, work) == (["patchPath", "patchPathless", "put"], "patchPath", "put")
    assert using(scim(users=[account()]), work, users={"update": "patchPathless"})[0] == [
        "patchPathless", "put", "patchPath"
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["patchPath", "patchPathless", "put"])
@pytest.mark.parametrize("answer", [lost, lambda: httpx.Response(500)])
@pytest.mark.parametrize("when", ["after", "intercept"])
def test_an_update_without_an_answer_is_looked_at(using: Any, scim: Any, form: str, answer: Any, when: str) -> None:
    verb = "PUT" if form == "put" else "PATCH"
    fake = scim(users=[account()], **{when: only(1, verb, answer)})
    using(fake, lambda rig: rig.writer.update_user(ID, {"displayName": "A", WORK: "n@b"}), users={"update": form})
    assert (fake.users[0]["displayName"], fake.users[0]["emails"][1]["value"]) == ("A", "n@b")
    assert len(fake.sent(verb)) == (1 if when == "after" else 2)


def test_an_update_is_sent_three_times_at_most(using: Any, scim: Any) -> None:
    fake = scim(users=[account()], intercept=only(99, "PATCH", lost))
    with pytest.raises(AnswerLost):
        using(fake, lambda rig: rig.writer.update_user(ID, {"displayName": "A"}))
    assert len(fake.sent("PATCH")) == 3


@pytest.mark.parametrize("effect", ["deleted", "deactivated"])
def test_where_deactivating_deletes_the_account_may_be_gone(using: Any, scim: Any, effect: str) -> None:
    fake = scim(users=[account()])

    def deletes(method: str, path: str, body: Any) -> Any:
        if method == "PATCH":
            fake.users.clear()
            return lost()
        return None

    fake.intercept = deletes
    if effect == "deleted":
        stored = using(fake, lambda rig: rig.writer.update_user(ID, {"active": False}), users={"effect": effect})
        assert stored is None
        return
    with pytest.raises(NotFound):
        using(fake, lambda rig: rig.writer.update_user(ID, {"active": False}), users={"effect": effect})


def test_who_is_gone_is_told(using: Any, scim: Any) -> None:
    for values in ({"displayName": "A"}, {WORK: "n@b"}):
        with pytest.raises(NotFound):
            using(scim(), lambda rig, values=values: rig.writer.update_user(ID, values))


def test_nothing_to_write_is_no_request(using: Any, scim: Any) -> None:
    fake = scim(users=[account()])
    stored = using(fake, lambda rig: rig.writer.update_user(ID, {'emails[type eq "x"].value': None}))
    assert stored.id == "1"
    assert not fake.sent("PATCH", "PUT")


def test_an_id_that_changes_with_the_name_is_shown(using: Any, scim: Any) -> None:
    moved = {"id": "new@contoso.com", "userName": "new@contoso.com"}
    fake = scim(users=[account()], after=only(1, "PATCH", lambda: httpx.Response(200, json=moved)))
    assert using(fake, lambda rig: rig.writer.update_user(ID, {"userName": "new@contoso.com"})).id == "new@contoso.com"


def test_a_group_is_renamed_in_its_own_form(using: Any, scim: Any) -> None:
    fake = scim(groups=[{"id": "g@/ 1", "displayName": "G", "members": [{"value": "1"}]}])
    profile = {"groups": {"update": "put"}}
    using(fake, lambda rig: rig.writer.update_group(RemoteId("g@/ 1"), {"displayName": "H"}), **profile)
    assert fake.groups == [{"id": "g@/ 1", "displayName": "H", "members": [{"value": "1"}]}]


# --- delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [lost, lambda: httpx.Response(500)])
@pytest.mark.parametrize("when", ["after", "intercept"])
def test_a_deletion_without_an_answer_is_looked_at(using: Any, scim: Any, answer: Any, when: str) -> None:
    fake = scim(users=[account()], **{when: only(1, "DELETE", answer)})
    using(fake, lambda rig: rig.writer.delete_user(ID))
    assert (fake.users, len(fake.sent("DELETE"))) == ([], 1 if when == "after" else 2)


def test_who_is_not_there_is_deleted(using: Any, scim: Any, refusal: Any) -> None:
    using(scim(), lambda rig: rig.writer.delete_user(ID))
    using(scim(), lambda rig: rig.writer.delete_group(ID))
    unknown = scim(intercept=lambda _, path, __: refusal(403, "no") if path != "/Users" else None)
    using(unknown, lambda rig: rig.writer.delete_user(ID), answers={"notFound": [404, 403]})


@pytest.mark.parametrize("done", [True, False])
def test_a_deletion_is_looked_at_where_its_status_is_not_the_applications(using: Any, scim: Any, done: bool) -> None:
    fake = scim(users=[account()])
    hook = only(9, "DELETE", lambda: httpx.Response(202))
    fake.after, fake.intercept = (hook, None) if done else (None, hook)
    if done:
        using(fake, lambda rig: rig.writer.delete_user(ID), answers={"deleted": [204]})
        assert not fake.users
    else:
        with pytest.raises(NotStored, match="answered with 202, and the resource is still there"):
            using(fake, lambda rig: rig.writer.delete_user(ID), answers={"deleted": [204]})
    assert len(fake.sent("DELETE")) == 1


@pytest.mark.parametrize(("status", "kind"), [(403, Forbidden), (405, ScimError)])
def test_a_deletion_that_is_refused_is_told(using: Any, scim: Any, refusal: Any, status: int, kind: Any) -> None:
    fake = scim(users=[account()], intercept=only(9, "DELETE", lambda: refusal(status, "no")))
    with pytest.raises(kind):
        using(fake, lambda rig: rig.writer.delete_user(ID), answers={"notFound": [404, 403]})
    assert fake.users

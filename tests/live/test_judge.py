"""Statuses and error bodies of every shape become the error that fits, clean and short."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotScim,
    PreconditionFailed,
    ScimError,
    ServerFailed,
    Throttled,
    TooLarge,
    TransportError,
    Unauthorized,
    Unsupported,
    Verdict,
)
from reconciler.http import Answer
from reconciler.live.judge import accept, clean, remote_id
from reconciler.model.profile import Meaning

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def answer(status: int, body: Any = b"", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, raw, "POST https://app.example/Users")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (401, Unauthorized), (402, ScimError), (403, Forbidden), (404, NotFound), (405, Unsupported),
        (409, Conflict), (412, PreconditionFailed), (413, TooLarge), (422, Invalid), (429, Throttled),
        (500, ServerFailed), (501, Unsupported), (503, ServerFailed),
    ],
)  # fmt: skip
def test_the_status_decides(status: int, kind: type[ScimError]) -> None:
    with pytest.raises(ScimError) as told:
        accept(answer(status, {"schemas": [ERROR], "detail": "because", "status": str(status)}))
    assert type(told.value) is kind
    assert (told.value.status, told.value.detail) == (status, "because")
    assert str(told.value).startswith("POST https://app.example/Users: ")
    assert told.value.hint


@pytest.mark.parametrize("kind", ["uniqueness", "Uniqueness"])
def test_400_with_uniqueness_is_a_conflict(kind: str) -> None:
    with pytest.raises(Conflict) as told:
        accept(answer(400, {"schemas": [ERROR], "scimType": kind, "detail": "taken"}))
    assert told.value.scim_type == kind


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"schemas": [ERROR], "detail": "d", "status": 400}, "d"),
        ({"errors": [{"code": 1003, "message": "Account plan limit exceeded", "id": "x-1"}]},
         "Account plan limit exceeded (code 1003, id x-1)"),
        ({"Errors": [{"description": "d", "code": 404}]}, "d (code 404)"),
        ({"error": "invalid_token", "error_description": "expired"}, "invalid_token: expired"),
        ({"error": "invalid_token"}, "invalid_token"),
        ({"error": {"message": "m", "code": 3}}, "m (code 3)"),
        ({"message": "m"}, "m"),
        ({}, ""),
        (["x"], "['x']"),
        (b"", ""),
        (b"plain text", "plain text"),
        (b"<html><script>var a = 1</script><h1>Bad\n gateway</h1></html>", "Bad gateway"),
        (b"\xff\xfe\x00", "��"),
    ],
)  # fmt: skip
def test_every_shape_of_error_is_read(body: Any, detail: str) -> None:
    with pytest.raises(ScimError) as told:
        accept(answer(400, body))
    assert told.value.detail == detail


@pytest.mark.parametrize("status", ["409", 409])
def test_an_error_inside_a_200_is_an_error(status: Any) -> None:
    with pytest.raises(Conflict) as told:
        accept(answer(200, {"schemas": [ERROR], "status": status, "detail": "taken"}))
    assert told.value.status == 409
    with pytest.raises(ScimError, match="quota"):
        accept(answer(200, {"errors": [{"message": "quota"}]}))
    with pytest.raises(ScimError, match="no status"):
        accept(answer(201, {"schemas": [ERROR], "detail": "no status", "status": "²"}))


def test_a_success_is_its_json_or_nothing() -> None:
    assert accept(answer(200, {"id": "1", "errors": ["harmless"]})) == {"id": "1", "errors": ["harmless"]}
    assert accept(answer(204)) is None
    assert accept(answer(200, b"<html>")) is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_its_query_not_shown(status: int) -> None:
    with pytest.raises(NotScim, match=r"redirected to https://evil.example \(") as told:
        accept(answer(status, location="https://user:pw@evil.example/x?token=s3cr3t"))
    assert "s3cr3t" not in str(told.value)
    assert "pw" not in str(told.value)


def test_a_status_that_nobody_expects_is_not_scim() -> None:
    with pytest.raises(NotScim, match="has the status 150"):
        accept(answer(150))


def test_text_is_made_harmless() -> None:
    assert clean("a\x00b\x1b[31m\r\n c\u202ed\u200b\u2028e") == "a b [31m c d e"
    assert clean("x" * 500) == "x" * 199 + "…"
    assert len(clean("x" * 10_000_000)) == 200


@pytest.mark.parametrize(
    "said",
    ["no entry with Bearer s3cr3t-t0ken.x", 'header "Authorization: bearer s3cr3t-t0ken.x" refused',
     "Basic s3cr3t-t0ken.x=", "token eyJhbGciOi.s3cr3t-t0ken.x"],
)  # fmt: skip
def test_credentials_that_are_echoed_are_not_repeated(said: str) -> None:
    assert "s3cr3t" not in clean(said)


def test_ids_are_text() -> None:
    assert remote_id({"id": "a"}) == "a"
    assert remote_id({"id": 16494879}) == "16494879"
    for none in ({}, {"id": None}, {"id": ""}, {"id": True}, {"id": ["a"]}, {"id": 1.5}):
        assert remote_id(none) is None


def test_too_many_is_too_large_even_with_400() -> None:
    with pytest.raises(TooLarge):
        accept(answer(400, {"schemas": [ERROR], "scimType": "tooMany", "detail": "at most 100"}))


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"type": "about:blank", "title": "Not allowed", "status": 400}, "Not allowed"),
        ({"title": "Not allowed", "detail": "seats are gone"}, "seats are gone"),
        ({"error": {"code": "E7", "message": "no"}}, "no (code E7)"),
        ({"description": "broken"}, "broken"),
        ({}, ""),
        ([], "[]"),
    ],
)
def test_errors_in_the_shapes_of_others(body: Any, detail: str) -> None:
    with pytest.raises(Invalid) as told:
        accept(answer(400, body))
    assert told.value.detail == detail


class TestMeanings:
    """What the profile says of the application's own errors."""

    @pytest.mark.parametrize(
        ("means", "kind"),
        [("conflict", Conflict), ("notFound", NotFound), ("forbidden", Forbidden), ("unauthorized", Unauthorized),
         ("invalid", Invalid), ("rateLimited", Throttled), ("unavailable", ServerFailed)],
    )  # fmt: skip
    def test_each_has_its_error(self, means: Any, kind: type[ScimError]) -> None:
        own = Meaning(status=418, says="Teapot", means=means)
        with pytest.raises(kind) as told:
            accept(answer(418, {"message": "a TEAPOT it is"}), [own])
        assert told.value.hint
        with pytest.raises(ScimError) as other:
            accept(answer(418, {"message": "something else"}), [own])
        assert type(other.value) is ScimError

    def test_inside_of_a_success_only_where_the_status_says_so(self) -> None:
        body = {"id": "7", "displayName": "already exists"}
        assert accept(answer(200, body), [Meaning(says="already exists", means="conflict")]) == body
        with pytest.raises(Conflict):
            accept(answer(200, body), [Meaning(status=200, says="already exists", means="conflict")])

    def test_every_kind_of_answer_has_its_verdict(self) -> None:
        kinds = errors_below(ScimError) | errors_below(TransportError) | {NotScim}
        assert {kind.verdict for kind in kinds} == set(Verdict)


def errors_below(kind: Any) -> set[Any]:
    return {kind}.union(*(errors_below(each) for each in kind.__subclasses__() if each.__module__ == kind.__module__))

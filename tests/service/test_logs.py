"""Lines of the log: one a line, no secret, nothing that moves a terminal's cursor."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from reconciler.service.logs import logger


def logged(**values: Any) -> dict[str, Any]:
    stream = io.StringIO()
    logger(stream, terminal=False).bind(app="hootsuite", cycle="20261126T1-aa").info("event", **values)
    (line,) = stream.getvalue().splitlines()
    found = orjson.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_line_says_when_what_and_of_which_cycle() -> None:
    found = logged(seconds=1.5, at_=datetime(2026, 1, 1, tzinfo=UTC), counts={"done": 3}, nothing=None)
    assert found["app"] == "hootsuite"
    assert found["cycle"] == "20261126T1-aa"
    assert found["level"] == "info"
    assert found["event"] == "event"
    assert found["at"].endswith("Z")
    assert found["seconds"] == 1.5
    assert found["at_"] == "2026-01-01T00:00:00+00:00"
    assert found["counts"] == {"done": 3}
    assert "nothing" not in found


@pytest.mark.parametrize("name", ["token", "clientSecret", "Authorization", "smtp_password", "private_key"])
def test_what_is_called_a_secret_is_hidden(name: str) -> None:
    assert logged(**{name: "s3cr3t"})[name] == "[hidden]"
    assert logged(inside={name: "s3cr3t"})["inside"][name] == "[hidden]"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t-s3cr3t",
        "GET /x?access_token=s3cr3t&y=1",
        "client_secret: s3cr3t",
        "https://ada:s3cr3t@git.example.com/x.git could not be read",
        "password=s3cr3t",
        "Basic YWRhOnMzY3IzdA==s3cr3t",
    ],
)
def test_secrets_inside_of_a_text_are_hidden(text: str) -> None:
    told = logged(text=text, several=[text])
    assert "s3cr3t" not in orjson.dumps(told).decode()
    assert "[hidden]" in told["text"]


def test_what_only_looks_alike_stays() -> None:
    for text in (
        "the token expires on 2026-12-01",
        "a basic question",
        "https://git.example.com/x.git",
        "bearer of news",
    ):
        assert logged(text=text)["text"] == text


def test_names_are_harmless_and_cut_in_both_forms() -> None:
    hostile = "Ada\n2026-01-01 error\x1b[2J\u202e"
    for terminal in (False, True):
        stream = io.StringIO()
        logger(stream, terminal=terminal).error("cycle ended", name=hostile, long="x" * 10_000)
        text = stream.getvalue()
        assert len(text.splitlines()) == 1
        assert len(text) < 5000
        assert text.rstrip("\n").isprintable()


def test_for_people_a_line_begins_with_time_and_level() -> None:
    stream = io.StringIO()
    logger(stream, terminal=True).warning("not pulled", trouble="no route to host", n=3)
    assert stream.getvalue()[19:] == 'Z warning not pulled  trouble="no route to host"  n=3\n'

"""`check --probe` and `--write-probe`: findings as sentences, and a block that app.yaml takes as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.sandbox import Sandbox, running

if TYPE_CHECKING:
    from tests.conftest import Called, Company


@pytest.fixture
def sandbox() -> Iterator[tuple[Sandbox, str]]:
    """One with quirks, and where it is."""
    it = Sandbox("hootsuite", users=5, rate=0)
    with running(it) as url:
        yield it, url


def block(out: str) -> object:
    """What the text says belongs into app.yaml."""
    return yaml.safe_load(out[out.index("\nprofile:\n") :])["profile"]


def test_without_flags_check_is_what_it_was(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    called = reconciler("check", company(gallery="hootsuite", tenant=sandbox[1]).root)
    assert called.code == 0
    assert "lists are complete: 6 accounts" in called.out
    assert "profile:" not in called.out


def test_what_is_printed_is_pasted_and_then_there_is_nothing_to_correct(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    files = company(gallery="scim", tenant=sandbox[1])
    called = reconciler("check", "--probe", "--write-probe", "--yes", files.root)
    assert called.code == 0, called.err
    assert "✗ users can't be filtered by externalId" in called.out
    assert "✓ members come and go in the form pathless" in called.out
    found = block(called.out)
    assert isinstance(found, dict)
    app = files.read("apps/app/app.yaml")
    files.write("apps/app/app.yaml", {**app, "profile": {**app["profile"], **found}})
    again = reconciler("check", "--probe", "--write-probe", "--yes", files.root)
    assert again.code == 0, again.err
    assert "there is nothing to correct" in again.out


def test_probe_alone_sends_nothing_that_writes(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    called = reconciler("check", "--probe", company(gallery="scim", tenant=sandbox[1]).root)
    assert called.code == 0
    assert {request.method for request in sandbox[0].requests} == {"GET"}
    assert len(sandbox[0].requests) <= 40


def test_json_has_the_findings_and_the_profile(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    document = reconciler(
        "check", "--probe", "--format", "json", company(gallery="scim", tenant=sandbox[1]).root
    ).document
    assert document["app"] == "app"
    assert document["profile"]["filters"] == {"users": ["userName"], "groups": ["displayName"]} or document["profile"][
        "filters"
    ] == {"users": ["userName"]}
    assert {"ok", "what", "hint"} == set(document["findings"][0])


def test_a_write_probe_without_yes_says_what_it_would_do_and_sends_nothing(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    called = reconciler(
        "check", "--write-probe", "--domain", "a.example", company(gallery="scim", tenant=sandbox[1]).root
    )
    assert called.code == 64
    assert sandbox[1] in called.err
    assert "reconciler-probe-…@a.example" in called.err
    assert "--yes" in called.err
    assert not sandbox[0].requests


def test_a_probe_that_could_not_run_is_an_error(
    company: Callable[..., Company], sandbox: tuple[Sandbox, str], reconciler: Callable[..., Called]
) -> None:
    sandbox[0].faults.set("unauthorized")
    called = reconciler("check", "--probe", company(gallery="scim", tenant=sandbox[1]).root)
    assert called.code == 1
    assert "✗" in called.out
    assert "the token was refused" in called.out

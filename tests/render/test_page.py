"""The page: one file, nothing from elsewhere, and no name is ever more than text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from reconciler.model.plan import Plan
from reconciler.render import page
from tests.render.conftest import Make
from tests.render.plans import compared, large, one, pull_request
from tests.render.test_markdown import HOSTILE_MARKUP, full_of

VOID = {"meta", "input", "link"}


class Seen(HTMLParser):
    """Tags with their attributes, and whether every one is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(shown: str) -> Seen:
    parser = Seen()
    parser.feed(shown)
    assert not parser.open
    return parser


@pytest.mark.parametrize(
    ("name", "make_plan"), [("nothing", lambda t: compared(Make.plan())), ("one", lambda t: one()),
                            ("typical", pull_request), ("hostile", lambda t: full_of(HOSTILE_MARKUP["image"]))],
)  # fmt: skip
def test_golden(name: str, make_plan: Any, typical: Plan, golden: Any) -> None:
    golden(f"plan-{name}.html", page([make_plan(typical)], titles={"hootsuite": "Hootsuite"}))


def test_ten_thousand_changes_are_all_there(golden: Any) -> None:
    """The golden file has the page without what lies between the first and the last of a long list."""
    shown = page([large()])
    for key in ("p02999", "new2999", "u3989"):
        assert f"<bdi>{key}</bdi>" in shown
    rows = re.split(r"(?=<li)", shown)
    golden("plan-large.html", "".join([*rows[:60], f"<!-- {len(rows) - 80:,} lines -->\n", *rows[-20:]]))


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("name", HOSTILE_MARKUP.values(), ids=HOSTILE_MARKUP.keys())
def test_a_hostile_name_makes_no_tag_and_no_attribute(name: str, values: bool) -> None:
    hostile = page([full_of(name)], titles={name: name}, effects={name: "deactivated"}, values=values, notices=(name,))
    plain = page([full_of("Ada")], titles={"Ada": "Ada"}, values=values, notices=("Ada",))
    assert [tag for tag, _ in seen(hostile).tags] == [tag for tag, _ in seen(plain).tags]
    for (tag, found), (_, due) in zip(seen(hostile).tags, seen(plain).tags, strict=True):
        assert tag == "bdi" or found == due
        assert tag != "bdi" or found in ({}, {"class": "long"})
    assert all(c == "\n" or c.isprintable() for c in hostile)


def test_nothing_is_loaded_and_nothing_runs_but_what_the_policy_names(typical: Plan) -> None:
    shown = page([pull_request(typical)])
    tags = seen(shown).tags
    assert not any({"src", "href", "style", "action", "srcset"} & attrs.keys() for _, attrs in tags)
    assert not any(name.startswith("on") for _, attrs in tags for name in attrs)
    policy = next(attrs["content"] for _, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", shown, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_several_apps_stand_one_after_the_other(typical: Plan) -> None:
    other = typical.model_copy(update={"app": "wiki"})
    shown = seen(page([typical, other], titles={"hootsuite": "Hootsuite"}, effects={"wiki": "removed"})).text
    assert shown.index("Access to Hootsuite") < shown.index("Access to wiki")
    assert "deactivated: left scope" in shown
    assert "removed: left scope" in shown


def test_values_are_left_out_where_they_are_not_wanted(typical: Plan) -> None:
    assert "Rear Admiral Hopper" in page([typical])
    assert "Rear Admiral Hopper" not in page([typical], values=False)

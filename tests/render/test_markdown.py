"""The comment on a pull request: what comes first, what fits, and that no name is ever more than text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.model.plan import AddMembers, CreateUser, Later, Note, Origin, Plan, Soon
from reconciler.render import markdown
from reconciler.render.markdown import MOST_BYTES, SUMMARY, size
from reconciler.render.marks import said
from reconciler.render.markup import code, inline
from tests.render.conftest import Make
from tests.render.plans import compared, large, one, pull_request, scattered
from tests.render.test_hostile import HOSTILE, plan_of

COMMONMARK = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table", "strikethrough", "linkify"])
HOSTILE_MARKUP = {
    **HOSTILE,
    "link": "](javascript:alert(1))",
    "reference": "[x][y]\n\n[y]: http://evil.example",
    "image": "![x](http://evil.example/x.png) <img src=x onerror=alert(1)>",
    "comment": "--> <!-- x",
    "closing": "</details></summary><details>",
    "issue": "fixes #123 GH-1 owner/repo#7",
    "bare": "www.evil.example http://evil.example ada@evil.example",
    "emoji": ":tada: :+1:",
    "commit": "4f2c1e7aa04f2c1e7aa04f2c1e7aa04f2c1e7aa0",
    "gitlab": "!12 ~bug %1 $3 &4 /close",
    "math": "$x$ $`x`$",
    "fences": "~~~\n```` ` `` ``` ",
    "ticks": "".join("`" * n + "x" for n in range(1, 12)),
    "list": "1. one\n- two\n+ three",
    "heading": "# big\n===\n---",
    "emphasis": "**a** __b__ ~~c~~ \\",
    "entity": "&lt;b&gt; &#64;team",
}
OURS = re.compile(r"</?details>|</?summary>")
FORGE = re.compile(
    r"(?<!\w)@\w|#\d|GH-\d|:\+?\w+:|https?:|www\.|\b[0-9a-f]{7,40}\b|(?<!\w)[!~$&%^]\w|[<>|`*_\[\]\\]", re.IGNORECASE
)


def texts(tokens: list[Token]) -> Iterator[str]:
    """Text outside of code spans: what forges look for mentions and addresses in."""
    for token in tokens:
        yield from texts(token.children or [])
        if token.type == "text":
            yield token.content


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def harmless(body: str) -> None:
    """Nothing but our own structure is in it."""
    tokens = COMMONMARK.parse(body)
    kinds = {token.type for token in flat(tokens)}
    assert not kinds & {"link_open", "image", "html_inline", "table_open", "fence", "code_block", "hr", "s_open",
                        "em_open", "ordered_list_open", "definition"}  # fmt: skip
    for token in flat(tokens):
        if token.type == "html_block":
            assert not re.sub(
                r"Not of this change: .*|… and [\d,]+ more lines", "", OURS.sub("", token.content)
            ).strip()
    assert body.count("\n<details>\n") == body.count("\n</details>")
    headings = [t.content for n, t in enumerate(tokens) if n and tokens[n - 1].type == "heading_open"]
    assert len(headings) == sum(row.startswith("#") for row in body.splitlines())
    for found in texts(tokens):
        assert not FORGE.search(found), found


def full_of(name: str) -> Plan:
    """The name in every place, of this change and of others."""
    plan = plan_of(Make, name)
    later = Later(what="gain", key=f"user:{name}", name=name, group_name=name, group=name, from_=name, reason=name)
    soon = Soon(key=f"user:{name}", name=name, group=f"group:{name}", group_name=name, until=name, reason=name)
    notes = (
        *plan.notes,
        Note(code="tenantChanged", key="app", text=name),
        Note(code="offline", key="app", text=name),
        Note(code="noState", key="app", text=name),
    )
    origins = (Origin.THIS_CHANGE, Origin.DRIFT)
    changes = tuple(c.model_copy(update={"origin": o}) for c in plan.changes for o in origins)
    update = {"changes": changes, "later": (later,), "soon": (soon,), "notes": notes, "app": name, "tenant_url": name,
              "as_of": name, "changes_digest": name}  # fmt: skip
    return compared(plan.model_copy(update=update))


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("name", HOSTILE_MARKUP.values(), ids=HOSTILE_MARKUP.keys())
def test_a_hostile_name_is_text_wherever_it_stands(name: str, values: bool) -> None:
    harmless(markdown(full_of(name), title=name, effect="deactivated", values=values, notices=(name,)))


SIGNS = st.text(st.sampled_from("`@#<>[]()!*_~|\\&;:/.-+=$%^0123456789abcdefwx \n\r\t\"'\u200b\u202e"), max_size=40)


@given(name=SIGNS | st.text(max_size=30))
def test_any_name_is_text_wherever_it_stands(name: str) -> None:
    harmless(markdown(full_of(name), title=name, values=True, notices=(name,)))


@given(text=SIGNS)
def test_a_code_span_holds_exactly_its_text(text: str) -> None:
    text = text.replace("\n", "").replace("\r", "").replace("\t", "")
    (_, paragraph, _) = COMMONMARK.parse(f"x {code(text)} y" if text else "x y")
    spans = [token.content for token in paragraph.children or [] if token.type == "code_inline"]
    assert spans == ([text] if text else [])


@given(st.lists(SIGNS, max_size=4))
def test_spans_side_by_side_stay_apart(names: list[str]) -> None:
    body = inline("".join(map(said, names)))
    if body:
        harmless(f"- {body}\n")


@pytest.mark.parametrize(
    ("name", "make_plan"), [("nothing", lambda t: compared(Make.plan())), ("one", lambda t: one()),
                            ("typical", pull_request), ("large", lambda t: large()),
                            ("hostile", lambda t: full_of(HOSTILE_MARKUP["image"]))],
)  # fmt: skip
def test_golden(name: str, make_plan: Any, typical: Plan, golden: Any) -> None:
    body = markdown(make_plan(typical), title="Hootsuite", more="The whole plan is in the attached file.")
    harmless(body)
    golden(f"plan-{name}.md", body)


def test_losses_come_before_gains_and_what_is_sensitive_or_unusual_before_both(typical: Plan) -> None:
    body = markdown(pull_request(typical))
    headings = [re.sub(r"^#### \S+ | \(.*", "", row) for row in body.splitlines() if row.startswith("####")]
    assert headings == [
        "Unusual", "Gains sensitive access", "Changes sign-in name", "Loses access", "Gains access", "Changes",
        "On another day, by this change", "Waits for an answer", "Can not be done", "Soon", "Notes",
    ]  # fmt: skip
    assert body.index("<details>") > body.index("Notes")


def test_only_names_and_paths_are_told_without_values(typical: Plan) -> None:
    brief, whole = (markdown(pull_request(typical), values=values) for values in (False, True))
    for value in ("ada@contoso.com", "Rear Admiral Hopper", "ines@contoso.com"):
        assert value not in brief
        assert value in whole
    assert "`displayName` changes" in brief


def test_every_later_gain_and_every_end_that_goes_is_told(typical: Plan) -> None:
    body = markdown(pull_request(typical))
    for said_ in (
        "**`ada.lovelace`** gains `Social Media` from `2027-01-01` until `2027-06-30` (`spring campaign`)",
        "**`linus.byrne`** keeps `Crisis Team` without an end, which was `2026-12-31`",
        "**group `agencies`** keeps access until `2027-12-31`, not only until `2026-12-31`",
        "**`rosa.klein`** gains access from `2026-12-01`, not only from `2027-03-01`",
        "**`eve.stone`** gains `Admins` from `2027-02-01`",
    ):
        assert said_ in body


def test_a_question_has_its_answer(typical: Plan) -> None:
    assert "`Reconciler-Allow: removeMembers:editors=3`" in markdown(pull_request(typical))
    assert "`--allow removeMembers:editors=3`" in markdown(typical)


def test_what_a_deactivation_does_is_told_in_the_words_of_the_application(typical: Plan) -> None:
    assert "removed from the organization: left scope" in markdown(typical, effect="removed from the organization")


def test_what_is_not_of_this_change_is_folded_and_counted(typical: Plan) -> None:
    plan = pull_request(typical)
    body = markdown(plan)
    for origin in (Origin.PENDING, Origin.CLOCK, Origin.DRIFT):
        count = sum(1 for c in plan.changes if c.origin is origin)
        assert re.search(rf"<summary>Not of this change: {count:,} ", body), origin


@pytest.mark.parametrize("limit", [60_000, 20_000, 5_000, 1_500, 600, 300])
@pytest.mark.parametrize("plan", [large(), scattered(), full_of("久" * 10_000)], ids=["alike", "scattered", "wide"])
def test_it_fits_whatever_the_plan_and_keeps_its_counts(plan: Plan, limit: int) -> None:
    body = markdown(plan, limit=limit, more="The rest is attached.")
    characters, octets = size(body)
    assert characters <= limit
    assert octets <= MOST_BYTES
    harmless(body)
    if plan.app == "hootsuite":
        assert "10,000 people lose access" in body or "3,000 people lose access, 3,000 people gain" in body
        assert "The rest is attached." in body
        assert "(10,000)" in body or (body.count("(3,000)") == 2 and "(3,990)" in body and "(1)" in body)
    assert "and 1 more lines" not in body


def test_a_step_summary_is_measured_in_bytes(typical: Plan) -> None:
    body = markdown(scattered(), limit=SUMMARY)
    assert len(body.encode()) <= SUMMARY
    assert "p9999" in body


def test_surrogate_pairs_count_twice() -> None:
    assert size("a🙂") == (3, 5)


def test_ten_thousand_who_change_alike_are_one_line() -> None:
    body = markdown(large())
    assert "- **`timezone`** 3,990 people, such as `u0`, `u1`, …" in body


def test_gains_are_gathered_by_group_and_by_department_only_where_values_may_be_told() -> None:
    group = AddMembers(key="group:g", id="1", name="Social Media", origin=Origin.THIS_CHANGE,
                       members=tuple(Make.member(f"new{n}") for n in range(0, 3_000, 2)))  # fmt: skip
    news = tuple(c for c in large().changes if isinstance(c, CreateUser))
    unlike = tuple(
        AddMembers(key=f"group:x{n}", id=f"{n}", name=f"X {n}", origin=Origin.THIS_CHANGE,
                   members=(Make.member(f"new{n}"),)) for n in range(900)
    )  # fmt: skip
    plan = compared(Make.plan(*(c.model_copy(update={"origin": Origin.THIS_CHANGE}) for c in news), group, *unlike))
    assert "1,500 people join `Social Media`" in markdown(plan, limit=8_000)
    assert "Dept" not in markdown(plan, limit=8_000)
    assert "750 people: new account, in `Dept 3`" in markdown(plan, limit=8_000, values=True)

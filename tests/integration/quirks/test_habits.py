"""What real SCIM servers do to a client, habit by habit: two days of a small company on each of them.

Whatever the habit: nobody gets a second account, nobody loses an account or a membership that the plan does not take,
nothing goes on for ever, and nothing ends in a traceback.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.integration.quirks.company import Company, live, run
from tests.integration.quirks.outsider import Outsider

Outsiders = Callable[..., Outsider]

BARE = "create-without-id"  # the account has to be looked up
CONVERGES = [
    "path-refused scimtype-wrong",
    "no-patch-404",
    "",
    # paging
    "cap-1", "cap-7", "big-count-400", "big-count-422", "past-end-first-page", "past-end-first-page cap-7",
    "ignores-paging", "ignores-paging total-missing", "same-page-forever", "needs-both", "total-missing",
    "total-missing cap-7", "total-missing past-end-first-page", "total-text", "zero-start-refused", "reorders",
    "grows cap-7", "no-resources-key", "count-500", "cursor-only", "cursor-only cursor-expires",
    "cursor-only cursor-without-total", "cursor-only total-text",
    # filters, used where an answer was lost or says too little
    BARE, "create-empty", "create-id-only", f"{BARE} filter-ignored", f"{BARE} filter-400", f"{BARE} filter-404",
    f"{BARE} filter-500", f"{BARE} filter-501", f"{BARE} filter-case", f"{BARE} filter-quotes-break",
    "applied-then-500", "applied-then-silence", "applied-then-500 filter-finds-nothing",
    "applied-then-500 filter-finds-nothing duplicates-accepted",
    "applied-then-silence filter-finds-nothing duplicates-accepted duplicate-groups-accepted",
    "applied-then-500 filter-case case-duplicates-accepted", "applied-then-silence filter-ignored duplicates-accepted",
    # writes that do nothing, or something else
    "patch-skips-unknown", "value-paths-do-nothing", "members-do-nothing", "patch-does-nothing", "dotted-literal",
    "replace-merges", "members-add-replaces", "members-add-duplicates",
    # forms
    "path-needed", "path-refused", "value-paths-refused", "value-paths-create", "remove-only-by-path",
    "remove-only-by-array", "remove-only-by-path-silently", "remove-only-by-array-silently", "members-only-put",
    "no-patch-405", "no-patch-501", "capital-ops", "no-put", "patch-204", "change-200-empty", "remove-absent-refused",
    "put-is-partial", "put-is-partial no-patch-405",
    # answers
    "create-200", "html-errors no-patch-405", "error-in-200 no-patch-405", "error-in-200 path-refused",
    "status-number path-refused", "ids-odd", "ids-odd remove-only-by-path", "ids-odd remove-only-by-array",
    "ids-numbers", "delete-twice-500", "location-wrong", "unknown-is-403", "create-answers-somebody-else",
    # values
    "ids-follow-name", "active-text", "active-unless-sent", "email-lower", "display-computed", "formatted-computed",
    "primary-dropped", "nulls",
    "type-dropped", "one-email", "one-email no-patch-405", "username-lower", "username-lower duplicates-accepted",
    # uniqueness and references
    "duplicate-400", "duplicate-500", "duplicates-accepted", "case-duplicates-accepted", "duplicate-groups-accepted",
    "post-members-ignored", "dangling-members",
    # limits, and what single vendors do
    "429-every-7th", "slow", "delete-deactivates", "inactive-unlisted", "delete-200-empty",
]  # fmt: skip
"""Plan, apply, and the plan after it is empty; on both days; all codes 2, 0, 0."""

TOLD_ONCE = [
    f"{BARE} filter-finds-nothing",
    "applied-then-400",
    "unknown-dropped",
    "inactive-deletes",
    "unknown-dropped patch-unknown-501",
    "unknown-dropped patch-unknown-501 one-email",
]
"""Exit 4 says what was refused or not kept; at the latest the plan after the next apply is empty."""


@pytest.mark.parametrize("habits", ["filter-400", "filter-500", "filter-501", "count-500", "cursor-only"])
def test_a_connection_works_where_filters_or_paging_are_refused(
    outsider: Outsiders, people: Company, habits: str
) -> None:
    server = outsider(*habits.split())
    people.write(server.url)
    checked = run(server, people.root, "check")
    assert checked.code == 0, checked.out
    assert "filters by userName are refused" in checked.out
    assert "lists are complete" in checked.out


REFUSED = {
    "same-page-forever cap-7": "7 resources came, and the server said there are 13",
    "reorders cap-7": "the server said there are 13",
    "total-one-too-many": "13 resources came, and the server said there are 14",
    "total-is-page": "13 resources came",
    "total-is-page cap-7": "13 resources came",
    "total-is-page cap-7 duplicates-accepted": "13 resources came",
}
"""No plan, and why: the list can't be believed."""

TOLD = {
    "unknown-refused": "unknown attribute",
    "members-do-nothing no-put": "does not hold: user:ada",
    "members-unlisted": "does not hold: user:ada",
    "no-group-rename": "groups can't be renamed",
    "no-delete": "nothing is deleted here",
    "members-add-replaces no-put": "does not hold: user:ada",
    "capital-ops no-put": "unknown op",
}
"""The application can't, and no correction of the profile says so yet: every apply ends with 4 or 3, and says why."""


@pytest.mark.parametrize("habits", CONVERGES)
def test_two_days_converge(outsider: Outsiders, people: Company, habits: str) -> None:
    server = outsider(*habits.split())
    story = live(server, people)
    assert story.codes == [2, 0, 0] * 2, story.ran[-1].out
    assert not story.wrong
    assert not story.missing


@pytest.mark.parametrize(
    "habits", ["cap-50", "cap-100", "total-missing cap-50", "reorders", "past-end-first-page cap-100"]
)
def test_two_days_converge_in_a_large_tenant(outsider: Outsiders, people: Company, habits: str) -> None:
    story = live(outsider(*habits.split(), strangers=230 if "reorders" not in habits else 60), people)
    assert story.codes == [2, 0, 0] * 2, story.ran[-1].out
    assert not story.wrong + story.missing


@pytest.mark.parametrize("habits", TOLD_ONCE)
def test_what_is_not_kept_is_told_once(outsider: Outsiders, people: Company, habits: str) -> None:
    if "create-without-id" in habits:
        people.settings["canary"] = 0  # it would let three a run through: nobody can tell that they are there
    story = live(outsider(*habits.split()), people)
    assert 4 in story.codes
    assert story.codes[-1] == 0, story.ran[-1].out
    assert len(story.codes) <= 10
    assert not story.wrong
    assert not story.missing


@pytest.mark.parametrize("habits", REFUSED)
def test_a_list_that_cannot_be_believed_makes_no_plan(outsider: Outsiders, people: Company, habits: str) -> None:
    server = outsider(*habits.split())
    story = live(server, people)
    assert story.codes == [1]
    assert REFUSED[habits] in story.out
    assert "error: GET http://127.0.0.1" in story.out
    assert {method for method, _, _ in server.log} == {"GET"}


@pytest.mark.parametrize("habits", TOLD)
def test_what_cannot_be_done_is_told_every_time(outsider: Outsiders, people: Company, habits: str) -> None:
    story = live(outsider(*habits.split()), people)
    assert {code for code in story.codes if code != 0} <= {2, 3, 4}
    assert 4 in story.codes
    assert TOLD[habits] in story.out
    assert not story.wrong


CONTRADICTIONS = [{"no-put", "members-only-put"}, {"no-put", "members-do-nothing"}, {"no-put", "patch-does-nothing"},
                  {"no-put", "no-patch-405"}, {"no-put", "no-patch-501"}, {"no-put", "capital-ops"},
                  {"path-needed", "path-refused"}, {"no-put", "members-add-replaces"}, {"path-refused", "no-put"},
                  {"path-refused", "members-add-replaces"}, {"remove-only-by-path", "remove-only-by-array"},
                  {"reorders", "cap-7"}, {"reorders", "cap-1"}, {"cap-1", "same-page-forever"},
                  {"cap-7", "same-page-forever"}]  # fmt: skip
"""Together they leave no way to do it, or to read it."""


@pytest.mark.parametrize("seed", range(12))
def test_any_four_habits_together(outsider: Outsiders, people: Company, seed: int) -> None:
    singles = sorted({habit for entry in (*CONVERGES, *TOLD_ONCE) for habit in entry.split()} - {"slow"})
    chance = random.Random(seed)
    habits = chance.sample(singles, 4)
    while any(pair <= set(habits) for pair in CONTRADICTIONS):
        habits = chance.sample(singles, 4)
    story = live(outsider(*habits), people)
    assert not story.wrong, habits
    assert story.codes[-1] == 0, (habits, story.ran[-1].out)
    assert not story.missing, habits

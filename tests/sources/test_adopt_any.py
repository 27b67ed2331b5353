"""Whatever files there are and whatever a source says: the second import changes nothing, and nothing is lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.desired.outline import comments
from reconciler.errors import DesiredStateError
from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Record
from reconciler.sources.existing import existing
from reconciler.sources.store import write

IDS = [f"p{n}" for n in range(6)]
KEYS = ("displayName", "department", "jobTitle", "mail", "employeeId", "accountEnabled", "businessPhones")
WORDS = st.sampled_from(["a", "B: b", "yes", "007", "# no", "multi\nline", "x y", "'", "é"])


def _value(key: str) -> st.SearchStrategy[Any]:
    if key == "accountEnabled":
        return st.booleans()
    if key in ("mail", "employeeId"):
        return st.sampled_from([f"{key}{n}" for n in range(8)])
    return st.lists(WORDS, max_size=2) if key == "businessPhones" else WORDS


PERSON = st.fixed_dictionaries({}, optional={key: _value(key) for key in KEYS})
PEOPLE = st.dictionaries(st.sampled_from(IDS), PERSON, max_size=5)


@st.composite
def files(draw: st.DrawFn) -> dict[str, str]:
    """People, alone or in a list, in block or flow style, with comments everywhere; and one group."""
    from reconciler.sources import text as written

    people = draw(PEOPLE) or {"p0": {}}
    alone = draw(st.sets(st.sampled_from(sorted(people))))
    found: dict[str, str] = {}
    lines: list[str] = []
    for identity, values in people.items():
        if identity in alone:
            body = [f"{line}   # behind {n}" if "\n" not in line else line
                    for n, line in enumerate(written.mapping({"givenName": identity, **values}))]  # fmt: skip
            found[f"users/{identity}.yaml"] = "\n".join([f"# {identity}", *body, ""])
        elif draw(st.booleans()):
            lines += [f"- {written.flow({'id': identity, **values})}   # of {identity}"]
        else:
            lines += ["", f"# above {identity}", *written.items([{"id": identity, **values}], 0)]
    if lines:
        found["users/list.yaml"] = "\n".join(["# everybody", *lines, ""])
    members = draw(st.lists(st.sampled_from(sorted(people)), unique=True))
    if draw(st.booleans()):
        listed = f"members: [{', '.join(members)}]"
    else:
        listed = "\n".join(("members:", *(f"  - {each}   # {each}" for each in members)))
    found["groups/team.yaml"] = f"displayName: Team\n{listed}\n"
    return found


@given(files(), PEOPLE, st.lists(st.sampled_from(IDS), unique=True), st.booleans(), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_an_import_converges_and_loses_nothing(
    there: dict[str, str], people: dict[str, dict[str, Any]], members: list[str], update: bool, prune: bool
) -> None:
    draft = Draft(
        {key: Record(key, values) for key, values in people.items()},
        {"team": Record("team", {"displayName": "Team", "members": members})},
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in there.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        before = existing(root)
        found = adopt(root, draft, update=update, prune=prune)
        try:
            write(found, root)
        except DesiredStateError:  # a member whom nobody described: nothing is written
            assert existing(root) == before
            return
        after = existing(root)
        again = adopt(root, draft, update=update, prune=prune)
        assert not again.changes, again.lines
        gone = {line.id for line in found.lines if line.sign == "-" and line.kind == "user"}
        assert prune or not gone
        for identity, kept in before.records["users"].items():
            if identity in gone:
                continue
            now = after.records["users"][identity].values
            changed = {line.key for line in found.lines if line.id == identity and line.sign == "~"}
            assert update or not changed
            assert {k: v for k, v in kept.values.items() if k not in changed} == {
                k: now[k] for k in kept.values if k not in changed
            }
        if not prune:
            for name, text in there.items():
                kept_comments = list(comments((root / name).read_text("utf-8")))
                assert sorted(comments(text)) == sorted(kept_comments)

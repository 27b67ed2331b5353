"""Whatever somebody does to a schema: an error that a person can read, or files that are in order. Nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.document import read_document
from reconciler.desired.layout import laid_out
from reconciler.desired.order import shape_of
from reconciler.errors import ReconcilerError
from reconciler.sources.entra.expression import plain, readings, renamed
from reconciler.sources.entra.merge import merge
from tests.sources.test_entra_merge import SCIM, overlays
from tests.sources.test_entra_schema import ODD, app_in, drafted, mappings_in

DOCUMENT = json.loads(ODD.read_bytes())
Step = tuple[Any, Any]


def places(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        yield (*above, key)
        yield from places(value, (*above, key))


PLACES = list(places(DOCUMENT))
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just([]), st.just({}),
    st.sampled_from(["[", "[mail]", '"', "Add", "emails[", "userName", "objectFilter", "REGEX MATCH", "(", "Constant",
                     "Function", "Attribute", "\x85", "{a: b}",
                     "# no", "- x", "'", '\\"', "yes", "0x1", "🙂", "\u202e"]),
    st.lists(st.text(), max_size=3), st.dictionaries(st.text(), st.text(), max_size=3),
)  # fmt: skip


def changed(changes: list[tuple[tuple[Any, ...], Any]]) -> bytes:
    document = copy.deepcopy(DOCUMENT)
    for place, value in changes:
        node = document
        try:
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return json.dumps(document).encode()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_a_changed_schema_is_an_error_or_gives_files_in_order(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = changed(changes)
    try:
        draft = drafted(data)
    except ReconcilerError:
        return
    app, mappings = app_in(draft), mappings_in(draft)
    assert app.provisioning is False
    assert app.scope.assigned is not None
    assert not app.scope.assigned.groups
    assert any(each.matching for each in mappings.users) or not mappings.replace
    again = merge(draft.apps["new"]["mappings.yaml"], "m", overlays(data), SCIM.mappings, update=True, prune=True)
    assert (again.text, again.done) == (draft.apps["new"]["mappings.yaml"], [])
    for name, text in draft.apps["new"].items():
        read_document(text.encode(), name)
        assert laid_out(text, shape_of(f"apps/new/{name}")) == text


@given(st.text(alphabet='[]"\\ ab,()', max_size=40))
def test_names_in_an_expression_change_and_nothing_else_does(text: str) -> None:
    assert renamed(text, lambda name: f"[{name}]") == renamed(
        renamed(text, lambda name: f"[{name}]"), lambda n: f"[{n}]"
    )
    assert set(readings(renamed(text, lambda _: "[x]"))) <= {"x"}
    assert plain(plain(text)) == plain(text)

"""Complex values compare as sets, by `value`."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.roles import same_elements, settled


def _role(value: str, **more: Any) -> dict[str, Any]:
    return {"value": value, **more}


EDITOR, VIEWER, OWNER = _role("Editor", primary=False), _role("Viewer"), _role("Owner")
LIVE = {"VALUE": "editor", "display": "The editor", "$ref": "https://example.com/roles/1"}
"""What an application made of EDITOR."""


@pytest.mark.parametrize(
    ("want", "have", "replacing", "adding"),
    [
        ((EDITOR,), (EDITOR,), True, True),
        ((EDITOR, VIEWER), (VIEWER, EDITOR), True, True),
        ((EDITOR,), (LIVE,), True, True),
        ((EDITOR,), (EDITOR, OWNER), False, True),
        ((EDITOR, VIEWER), (EDITOR,), False, False),
        ((), (OWNER,), False, True),
        (None, (OWNER,), False, True),
        (None, None, True, True),
        ((), None, True, True),
        ((EDITOR,), ({"display": "nameless"},), False, False),
        ((EDITOR,), EDITOR, True, True),
    ],
)
def test_same_elements(want: Any, have: Any, replacing: bool, adding: bool) -> None:
    assert same_elements(want, have) is replacing
    assert same_elements(want, have, additive=True) is adding


@pytest.mark.parametrize(
    ("want", "have", "replaced", "added"),
    [
        ((EDITOR, VIEWER), (OWNER, LIVE), (LIVE, VIEWER), (OWNER, LIVE, VIEWER)),
        ((EDITOR,), None, (EDITOR,), (EDITOR,)),
        (None, (OWNER,), (), (OWNER,)),
        ((EDITOR, _role("EDITOR")), (), (EDITOR,), (EDITOR,)),
    ],
)
def test_what_is_written(want: Any, have: Any, replaced: Any, added: Any) -> None:
    assert settled(want, have) == replaced
    assert settled(want, have, additive=True) == added
    assert same_elements(want, replaced)
    assert same_elements(want, added, additive=True)

"""Complex values of a multi-valued attribute, such as `roles`: sets, in which an element is known by its `value`.

What an application adds to an element (`display`, `type`, `$ref`) is its own (RFC 7643 section 2.4), so two elements
with one `value` are the same, and upper and lower case do not differ (caseExact is false in RFC 7643 section 8.7.1).
"""

from __future__ import annotations

from typing import Any

from reconciler.model.path import member
from reconciler.model.values import Value, is_null


def same_elements(want: Value, have: Value, *, additive: bool = False) -> bool:
    """Whether nothing has to be written. `additive`: what the application has besides stays."""
    wanted, held = _by_value(want).keys(), _by_value(have).keys()
    return wanted <= held if additive else wanted == held


def settled(want: Value, have: Value, *, additive: bool = False) -> tuple[Any, ...]:
    """What the application holds after the change, and what a request replaces the attribute with.

    An element that is there already stays as the application has it; `additive` keeps those that are not wanted too.
    In the order of `have`, then of `want`: the same inputs give the same bytes.
    """
    wanted, held = _by_value(want), _by_value(have)
    kept = [element for name, element in held.items() if additive or name in wanted]
    return (*kept, *(element for name, element in wanted.items() if name not in held))


def _by_value(elements: Value) -> dict[str, Any]:
    """`value` without case → element. Of several with one value the first counts; one without has none to go by."""
    found: dict[str, Any] = {}
    for element in _elements(elements):
        value = member(element, "value") if isinstance(element, dict) else element
        if not is_null(value):
            found.setdefault(str(value).casefold(), element)
    return found


def _elements(value: Value) -> tuple[Any, ...]:
    if is_null(value):
        return ()
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)

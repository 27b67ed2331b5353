"""pydantic's errors as problems in a file: in plain words, at the place of the key, with what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from reconciler.desired.findings import Findings, kind_of, shown
from reconciler.desired.sheet import Sheet

_Model = TypeVar("_Model", bound=BaseModel)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")
_MUST_BE = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
}
"""The type of pydantic's error → what the value must be."""
_SCALAR_BRANCHES = ("str", "bool", "int", "literal")


def validate(
    model: type[_Model], sheet: Sheet, findings: Findings, extra: dict[str, Any] | None = None
) -> _Model | None:
    """The model, or None after reporting what is wrong. `extra` are fields that no file gives.

    JSON in strict mode: lists become tuples and text becomes enums, but no text becomes a boolean or a number.
    """
    try:
        return model.model_validate_json(
            json.dumps({**sheet.tree, **(extra or {})}), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        report(error, model, sheet, findings)
        return None


def report(error: ValidationError, model: type[BaseModel], sheet: Sheet, findings: Findings, above: str = "") -> None:
    """`above` is the dotted key of the mapping that was validated."""
    for path, details in _chosen(error, sheet, above):
        _report_one(path, details, model, sheet, findings)


def _report_one(path: str, details: dict[str, Any], model: type[BaseModel], sheet: Sheet, findings: Findings) -> None:
    kind = details["type"]
    last = str(details["loc"][-1]) if details["loc"] else ""
    if kind == "missing":
        missing = f"{path}.{last}" if path else last
        if missing not in sheet.withheld:
            findings.error(sheet.place(path), f"`{missing}` is missing")
    elif kind == "extra_forbidden":
        where = path.removesuffix(last).removesuffix(".")
        message = f"unknown key `{shown(last)}`{f' in `{where}`' if where else ''}"
        hint = findings.did_you_mean(last, _known_keys(model, details["loc"][:-1]))
        findings.error(sheet.keys.get(path) or sheet.place(path), message, hint)
    else:
        what = f"`{path}`" if path else "this file"
        message, hint = _worded(details, what, _at(sheet.tree, path), sheet.written.get(path, ""), findings)
        findings.error(sheet.place(path), message, hint)


def _worded(details: dict[str, Any], what: str, value: Any, written: str, findings: Findings) -> tuple[str, str]:
    """(message, hint)."""
    kind, context, said = details["type"], details.get("ctx", {}), details["msg"]
    if kind in _MUST_BE:
        return f"{what} must be {_MUST_BE[kind]}, this is {kind_of(value)}", _remedy(kind, value, written)
    match kind:
        case "literal_error" | "enum":
            allowed = _QUOTED.findall(str(context.get("expected", "")))
            if isinstance(value, str):
                return f"{what} can't be `{shown(value)}`", findings.did_you_mean(value, allowed)
            return f"{what} must be one of {', '.join(allowed)}; this is {kind_of(value)}", ""
        case "greater_than_equal":
            return f"{what} must be at least {context['ge']:g}", ""
        case "less_than_equal":
            return f"{what} must be at most {context['le']:g}", ""
        case "string_too_long":
            return f"{what} may have at most {context['max_length']:,} characters", ""
        case "too_short":
            return f"{what} is empty", ""
        case "string_pattern_mismatch":
            return f"{what} does not have the form {context['pattern']}", ""
        case _:
            ours = said.removeprefix("Value error, ")
            return f"{what}: {ours if ours != said else said[:1].lower() + said[1:]}", ""


def _remedy(kind: str, value: Any, written: str) -> str:
    if kind == "string_type" and written:
        return f'quote it: "{shown(written)}"'
    if kind == "bool_type" and isinstance(value, str):
        return "true and false are written without quotes; `yes`, `no`, `on` and `off` are text"
    return ""


def _chosen(error: ValidationError, sheet: Sheet, above: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each error with its dotted key. Of a union's branches only the one that fits the value is heard."""
    unions: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for details in error.errors(include_url=False, include_input=False):
        path, branch, union = _walk(details["loc"], sheet.tree, above)
        unions.setdefault(union if branch else f"{path}\n{details['type']}\n{details['loc']}", []).append(
            (branch, path, dict(details))
        )
    for found in unions.values():
        value = _at(sheet.tree, _walk(found[0][2]["loc"], sheet.tree, above)[2])
        fitting = [one for one in found if not one[0] or _fits(one[0], value)] or found
        first = fitting[0][0]
        yield from ((path, details) for branch, path, details in fitting if branch == first)


def _fits(branch: str, value: Any) -> bool:
    if isinstance(value, list):
        return branch.startswith(("tuple", "list"))
    scalar = branch.startswith(_SCALAR_BRANCHES)
    return not scalar and not branch.startswith(("tuple", "list")) if isinstance(value, dict) else scalar


def _walk(loc: tuple[int | str, ...], tree: Any, above: str) -> tuple[str, str, str]:
    """(dotted key of the error, first union branch on the way or "", dotted key of that union).

    What of `loc` is no key of the tree is the name of a union's branch, or a key that is missing (the last part).
    """
    node = _at(tree, above)
    path, branch, union = ([above] if above else []), "", ""
    for number, part in enumerate(loc):
        if part in _keys(node):
            node = node[part]
        elif not branch and (number + 1 < len(loc) or not isinstance(node, dict) or _is_branch(str(part))):
            branch, union = str(part), ".".join(path)
            continue
        else:
            continue
        path.append(str(part))
    return ".".join(path), branch, union or ".".join(path)


def _keys(node: Any) -> Container[int | str]:
    return node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()


def _is_branch(part: str) -> bool:
    return part in _SCALAR_BRANCHES or "[" in part or part[:1].isupper()


def _at(tree: Any, dotted: str) -> Any:
    """The value at a dotted key; keys may hold dots themselves."""
    if not dotted:
        return tree
    if isinstance(tree, list):
        head, _, rest = dotted.partition(".")
        return _at(tree[int(head)], rest) if head.isdigit() and int(head) < len(tree) else None
    if isinstance(tree, dict):
        for key, value in tree.items():
            if dotted == key:
                return value
            if dotted.startswith(f"{key}.") and isinstance(value, dict | list):
                return _at(value, dotted[len(key) + 1 :])
    return None


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at `loc` has, so that one can be suggested."""
    models = [model]
    for part in loc:
        fields = [info for one in models for name, info in one.model_fields.items() if part in (info.alias, name)]
        if fields:
            models = [inner for info in fields for inner in _models_in(info.annotation)]
        elif named := [one for one in models if one.__name__ == part]:
            models = named
    return sorted({info.alias or name for one in models for name, info in one.model_fields.items() if not info.exclude})


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)

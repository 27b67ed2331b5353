"""Plans that were kept: read again only if they are whole, unaltered, and of a version that is understood here.

The bytes may come from anybody: nothing is built before depth and size are known to be harmless.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson
from pydantic import ValidationError

from reconciler import __version__
from reconciler.errors import Place, PlanError
from reconciler.model.plan import FORMAT, Plan
from reconciler.plan.written import changes_digest, digest_of, to_json

MAX_BYTES = 500_000_000
"""About a million changes."""
MAX_DEPTH = 40
"""Of lists and objects inside one another; a plan needs fewer than ten, an attribute's value some more."""
_AGAIN = "make the plan again with `reconciler plan --out FILE`"
_FAMILY = "reconciler.plan/"


def read_plans(data: bytes, file: str) -> list[Plan]:
    """The plan, or the list of plans, in the bytes of `file`.

    Raises PlanError for what is empty, too big, cut off, no JSON, no plan, of another version, or altered since it was
    written. Each has its own message.
    """
    if not data.strip():
        _refuse(file, "is empty: no plan was written to it", _AGAIN)
    if len(data) > MAX_BYTES:
        _refuse(file, f"is larger than {MAX_BYTES // 1_000_000} MB, which no plan is", _AGAIN)
    found = _parsed(data, file)
    documents = found if isinstance(found, list) else [found]
    if not documents:
        _refuse(file, "is an empty list: it holds no plan", _AGAIN)
    plans = [_plan(document, file) for document in documents]
    if data != to_json(plans[0]):
        _refuse_doubled(data, file)
    names = [plan.app for plan in plans]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        _refuse(file, f"holds more than one plan for {', '.join(twice)}", "keep one plan for each app")
    return plans


def _refuse(file: str, what: str, hint: str) -> NoReturn:
    raise PlanError(what, hint=hint, place=Place(file))


def _parsed(data: bytes, file: str) -> Any:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("unexpected end of data") or _cut_in_a_character(data):
            _refuse(file, "ends too early: it was not written or not copied to its end", "copy the file again, whole")
        _refuse(file, f"is no JSON, and so no plan: {error}", "name a file that `reconciler plan --out` wrote")
    _refuse_deep(found, file)
    return found


def _cut_in_a_character(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def _refuse_deep(found: Any, file: str) -> None:
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, (dict, list))
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    _refuse(file, f"is nested more than {MAX_DEPTH} deep, which no plan is", _AGAIN)


def _plan(document: Any, file: str) -> Plan:
    version = document.get("format") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith(_FAMILY):
        _refuse(file, "is JSON, and no plan of this program", "name a file that `reconciler plan --out` wrote")
    if version != FORMAT:
        number = version.removeprefix(_FAMILY)
        newer = number.isdecimal() and int(number[:9]) > int(FORMAT.removeprefix(_FAMILY))
        hint = "update reconciler, or make the plan again with this version" if newer else _AGAIN
        _refuse(file, f"has the format {version[:40]!r}, and this version reads {FORMAT}", hint)
    said = document.get("digest")
    if said != digest_of(document):
        _refuse(file, "was altered after it was written: its digest does not fit what it says", _AGAIN)
    try:
        plan = Plan.model_validate(document)
    except ValidationError as error:
        _misfit(document, error, file)
    if plan.changes_digest != changes_digest(plan):
        _refuse(file, "was altered: its changesDigest does not fit its changes", _AGAIN)
    return plan


def _misfit(document: dict[str, Any], error: ValidationError, file: str) -> NoReturn:
    """The digest fits, so it is as it was written: by a later version, or by another program."""
    written = document.get("toolVersion")
    if isinstance(written, str) and _number(written) > _number(__version__):
        what = f"was written by reconciler {written[:20]!r} and says what {__version__} does not know"
        _refuse(file, what, "update reconciler, or make the plan again with this version")
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join("".join(c if c.isprintable() else "?" for c in str(step)[:60]) for step in first["loc"])
    _refuse(file, f"is no plan that this program wrote: {where}: {first['msg'][:200]}", _AGAIN)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in re.findall(r"[0-9]+", version.partition("+")[0])[:3])


def _refuse_doubled(data: bytes, file: str) -> None:
    """A key that stands twice: what one reader shows is not what another one runs."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in found if keys.count(key) > 1)
            _refuse(file, f"was altered: the key {twice[:40]!r} stands twice in one object", _AGAIN)
        return found

    try:
        json.loads(data, object_pairs_hook=once)
    except (RecursionError, ValueError):
        _refuse(file, "was altered: a key stands twice in one object", _AGAIN)

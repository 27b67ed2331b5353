"""One change in each of the forms in which servers understand it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.apply.probe.yard import Made, Yard, patch
from reconciler.live.edits import assign
from reconciler.live.probe.ask import Row, Said
from reconciler.model.path import AttributePath, parse_path
from reconciler.model.profile import MemberForm, Update

_READ_ONLY: Final = frozenset({"meta", "groups"})


class Forms:
    """Sends changes. `capitalized` and `text` are found on the way: `Replace`, and `"False"`."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self.capitalized = yard.profile.patch.ops == "capitalized"
        self.text = yard.profile.patch.booleans == "text"

    async def write(
        self, form: Update, made: Made, values: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Said:
        """Single values, in one request."""
        if form == "put":
            return await self._put(made, values, headers)
        shown = {text: self._spelled(value) for text, value in values.items()}
        if form == "patchPath":
            operations = [
                {"op": self._op("replace"), "path": parse_path(text).spelled, "value": value}
                for text, value in shown.items()
            ]
        else:
            content: Row = {}
            for text, value in shown.items():
                assign(content, parse_path(text), value)
            operations = [{"op": self._op("replace"), "value": content}]
        return await self._patch(made, operations, headers)

    async def whole(self, made: Made, path: AttributePath, value: Any, content: Row) -> Said:
        """One element of a list, by sending the list that `content` holds with it."""
        content = copy.deepcopy(content)
        assign(content, path, value)
        operation = {"op": self._op("replace"), "path": path.place, "value": content[path.name]}
        return await self._patch(made, [operation])

    async def remove(self, made: Made, path: str) -> Said:
        return await self._patch(made, [{"op": self._op("remove"), "path": path}])

    async def members(self, form: MemberForm, verb: str, made: Made, ids: list[str], held: Iterable[str]) -> Said:
        """Members come or go; `held` are those who are in it now."""
        listed = [{"value": each} for each in ids]
        after = [{"value": each} for each in ([*held, *ids] if verb == "add" else [e for e in held if e not in ids])]
        match form:
            case "put":
                return await self._put(made, {"members": after})
            case "replace":
                operations: list[Row] = [{"op": self._op("replace"), "path": "members", "value": after}]
            case "pathless":
                operations = [{"op": self._op(verb), "value": {"members": listed}}]
            case "nested" if verb == "add":
                operations = [{"op": self._op(verb), "path": "members", "value": {"members": listed}}]
            case "valuePath" | "nested" if verb == "remove":
                operations = [{"op": self._op(verb), "path": f"members[value eq {json.dumps(each)}]"} for each in ids]
            case _:
                operations = [{"op": self._op(verb), "path": "members", "value": listed}]
        return await self._patch(made, operations)

    async def _patch(self, made: Made, operations: list[Row], headers: Mapping[str, str] | None = None) -> Said:
        return await self._yard.ask.send("PATCH", self._yard.where(made), body=patch(operations), headers=headers)

    async def _put(self, made: Made, values: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Said:
        row = await self._yard.get(made)
        if row is None:
            return Said(0, False, said="it can't be read")
        body = {name: copy.deepcopy(each) for name, each in row.items() if name.lower() not in _READ_ONLY}
        for text, value in values.items():
            if text == "members":
                body.pop(next((name for name in body if name.lower() == text), text), None)
                body["members"] = value
            else:
                assign(body, parse_path(text), value)
        return await self._yard.ask.send("PUT", self._yard.where(made), body=body, headers=headers)

    def _op(self, verb: str) -> str:
        return verb.capitalize() if self.capitalized else verb

    def _spelled(self, value: Any) -> Any:
        return str(value) if self.text and isinstance(value, bool) else value

"""How the outsider carries out PATCH and PUT, and what it makes of values: as oddly as its habits say."""

from __future__ import annotations

import json
import re
from typing import Any

Row = dict[str, Any]
PATH = re.compile(r'(?:(urn:[^"\[]+):)?([\w$]+)(?:\[(\w+) eq ("(?:[^"\\]|\\.)*"|true|false)\])?(?:\.(\w+))?')
UNKNOWN = ("timezone", "preferredlanguage")
"""What servers without much of a schema don't know."""


class Refusal(Exception):
    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.scim_type = status, detail, scim_type


def get(row: Row, name: str) -> Any:
    return next((v for k, v in row.items() if k.lower() == name.lower()), None)


def key_of(row: Row, name: str) -> str:
    return next((k for k in row if k.lower() == name.lower()), name)


def _named(body: Row) -> list[str]:
    """The attributes that a PATCH is about."""
    operations = body["Operations"]
    return [name for each in operations for name in ([each["path"]] if each.get("path") else each.get("value") or ())]


class Edits:
    def __init__(self, habits: frozenset[str]) -> None:
        self.habits = habits

    def has(self, habit: str) -> bool:
        return habit in self.habits

    # -- values

    def settle(self, kind: str, row: Row) -> None:
        """What the server makes of a row before it keeps it."""
        for odd in [k for k in row if k.lower() in UNKNOWN and self.has("unknown-dropped")]:
            del row[odd]
        if kind != "Users":
            return
        emails = [e for e in row.get("emails") or [] if isinstance(e, dict)]
        for email in emails:
            if self.has("email-lower"):
                email["value"] = str(email.get("value", "")).lower()
            if self.has("type-dropped"):
                email.pop("type", None)
            if self.has("primary-dropped"):
                email.pop("primary", None)
        if self.has("one-email") and emails:
            kept = next((e for e in emails if e.get("primary")), emails[0])
            row["emails"] = [{"value": kept.get("value"), "primary": True}]
        names = row.get("name") or {}
        if self.has("display-computed"):
            row["displayName"] = f"{names.get('givenName', '')} {names.get('familyName', '')}".strip()
        if self.has("formatted-computed") and names:
            names["formatted"] = f"{names.get('familyName')}, {names.get('givenName')}"
        if self.has("username-lower"):
            row["userName"] = str(row.get("userName", "")).lower()

    # -- PUT

    def put(self, kind: str, row: Row, body: Row) -> None:
        if self.has("no-put"):
            raise Refusal(405, "PUT is not for this")
        key, members = row["id"], row.get("members")
        if not self.has("put-is-partial"):
            row.clear()
        row.update(body)
        row["id"] = key
        if kind == "Groups":
            listed = body.get("members", members)
            row["members"] = [{**m, "value": str(m["value"])} for m in listed or []]

    # -- PATCH

    def patch(self, kind: str, row: Row, body: Row) -> None:
        for status in (405, 501, 404):
            if self.has(f"no-patch-{status}"):
                raise Refusal(status, "PATCH is not for this")
        if self.has("patch-does-nothing"):
            return
        if self.has("patch-unknown-501") and any(name.lower() in UNKNOWN for name in _named(body)):
            raise Refusal(501, "Not Implemented")
        for operation in body["Operations"]:
            verb = str(operation["op"])
            if self.has("capital-ops") and verb not in ("Add", "Remove", "Replace"):
                raise Refusal(400, f"unknown op {verb}", "invalidSyntax")
            self._operation(kind, row, verb.lower(), operation)

    def _operation(self, kind: str, row: Row, verb: str, operation: Row) -> None:
        path, value = operation.get("path"), operation.get("value")
        if path is None:
            if self.has("path-needed") or verb == "remove":
                raise Refusal(400, "an operation needs a path", "noTarget" if verb == "remove" else "invalidPath")
            for name, each in dict(value or {}).items():
                self._nested(kind, row, verb, name, each)
            return
        if self.has("path-refused"):
            raise Refusal(400, "no path, please", "invalidPath")
        found = PATH.fullmatch(path)
        if not found:
            raise Refusal(400, f"what is {path}?", "invalidPath")
        _, name, key, literal, sub = found.groups()
        if name.lower() == "members":
            self._members(row, verb, key, literal, value)
        elif self.has("dotted-literal") and sub and not key:
            row[path] = value
        elif not (self.has("patch-skips-unknown") and name.lower() in UNKNOWN):
            if key:
                self._element(row, verb, name, key, json.loads(literal), sub, value)
            else:
                self._plain(row, verb, name, sub, value)

    def _nested(self, kind: str, row: Row, verb: str, name: str, value: Any) -> None:
        if kind == "Groups" and name.lower() == "members":
            self._members(row, verb, None, None, value)
        elif isinstance(value, dict) and isinstance(get(row, name), dict):
            get(row, name).update(value)
        elif "." in name and self.has("dotted-literal"):
            row[name] = value
        else:
            self._plain(row, verb, name, None, value)

    def _plain(self, row: Row, verb: str, name: str, sub: str | None, value: Any) -> None:
        home, name = row, key_of(row, name)
        if sub:
            if not isinstance(home.get(name), dict):
                home[name] = {}
            home, name = home[name], key_of(home[name], sub)
        if verb == "remove" or value is None:
            home.pop(name, None)
        elif (
            isinstance(value, list)
            and (verb == "add" or self.has("replace-merges"))
            and isinstance(home.get(name), list)
        ):
            home[name] = [*home[name], *(v for v in value if v not in home[name])]
        else:
            home[name] = value

    def _element(self, row: Row, verb: str, name: str, key: str, literal: Any, sub: str | None, value: Any) -> None:
        if self.has("value-paths-do-nothing"):
            return
        if self.has("value-paths-refused"):
            raise Refusal(400, "value paths are not supported", "invalidPath")
        name = key_of(row, name)
        elements = row.setdefault(name, [])
        fit = [e for e in elements if str(e.get(key)).lower() == str(literal).lower()]
        if not fit:
            if self.has("value-paths-create") and verb != "remove":
                elements.append({key: literal, sub or "value": value})
                return
            raise Refusal(400, f"nothing has {key} {literal}", "noTarget")
        if verb == "remove" and not sub:
            row[name] = [e for e in elements if e not in fit]
        for element in fit:
            if verb == "remove":
                element.pop(sub or "", None)
            elif sub:
                element[sub] = value
            else:
                element.update(value)

    # -- members

    def _members(self, row: Row, verb: str, key: str | None, literal: str | None, value: Any) -> None:
        if self.has("members-do-nothing"):
            return
        if self.has("members-only-put"):
            raise Refusal(400, "members are set by PUT", "invalidPath")
        held: list[Row] = row.setdefault("members", [])
        listed = [dict(m) for m in (value if isinstance(value, list) else [value] if value else [])]
        ids = {m["value"] for m in held}
        if verb == "add":
            if self.has("members-add-replaces"):
                held.clear()
                ids = set()
            held += listed if self.has("members-add-duplicates") else [m for m in listed if m["value"] not in ids]
        elif verb == "replace":
            row["members"] = [*held, *listed] if self.has("replace-merges") else listed
        elif key:
            self._remove(row, {json.loads(literal or '""')}, "path")
        else:
            self._remove(row, {m["value"] for m in listed} if listed else ids, "array")

    def _remove(self, row: Row, ids: set[str], spelling: str) -> None:
        other = "array" if spelling == "path" else "path"
        if self.has(f"remove-only-by-{other}"):
            raise Refusal(400, f"members are not removed by {spelling}", "invalidPath")
        if self.has(f"remove-only-by-{other}-silently"):
            return
        if self.has("remove-absent-refused") and not ids <= {m["value"] for m in row["members"]}:
            raise Refusal(400, "no such member", "noTarget")
        row["members"] = [m for m in row["members"] if m["value"] not in ids]

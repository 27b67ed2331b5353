"""PATCH (RFC 7644 section 3.5.2) on plain JSON; scim2-models reads the paths.

All operations go to a draft, and the draft is stored as a whole or not at all. Members are a set of ids, so that a
request that adds 100 to a group of 10,000 costs what 100 cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scim2_models.exceptions import SCIMException
from scim2_models.path import AttrPath, CompareOperator, Comparison, FilterNode, LogicalExpr, Path, PathNode, ValuePath

from reconciler.sandbox import forms
from reconciler.sandbox.bend import patching, values
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.filters import Predicate, compile_element_filter
from reconciler.sandbox.habits import Habits
from reconciler.sandbox.intake import accept_value
from reconciler.sandbox.refusal import Refusal, invalid_path, invalid_syntax, invalid_value, no_target
from reconciler.sandbox.schema import Attribute, Kind

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(slots=True)
class Draft:
    data: dict[str, Any]
    members: dict[str, None]
    repeated: list[str] = field(default_factory=list)


def patch(kind: Kind, habits: Habits, draft: Draft, body: Any, faults: Faults | None = None) -> None:
    """Applies a PatchOp message to the draft. Raises Refusal; the draft is then worthless."""
    if not isinstance(body, dict):
        raise invalid_syntax("the body must be a JSON object")
    fields = {key.lower(): value for key, value in body.items()}
    if "PatchOp" in habits.schemas_required and PATCH_OP not in (fields.get("schemas") or ()):
        raise invalid_syntax(f"schemas must contain {PATCH_OP}")
    operations = fields.get("operations")
    if not isinstance(operations, list) or not operations:
        raise invalid_syntax("Operations must be a list of at least one operation")
    for operation in operations:
        _Operation(kind, habits, faults or Faults(), draft).apply(operation)


class _Operation:
    """One operation on a draft."""

    def __init__(self, kind: Kind, habits: Habits, faults: Faults, draft: Draft) -> None:
        self.kind = kind
        self.habits = habits
        self.faults = faults
        self.draft = draft
        self.verb = ""

    def apply(self, operation: Any) -> None:
        if not isinstance(operation, dict):
            raise invalid_syntax("each operation must be an object")
        fields = {key.lower(): value for key, value in operation.items()}
        fields = forms.taken(self.habits, self.kind.name, fields)
        self.verb = str(fields.get("op", "")).lower()
        if self.verb not in ("add", "remove", "replace"):
            raise invalid_syntax("op must be add, remove or replace")
        if self.faults:
            left = patching.bend_operation(self.faults, self.kind, self.draft.data, fields)
            if left is None:
                return
            fields = left
        path, value = fields.get("path"), fields.get("value")
        if self.verb != "remove" and "value" not in fields:
            raise invalid_value(f"{self.verb} needs a value")
        if path is None or path == "":
            self._pathless(value)
        elif self.kind.name == "Group" and self.habits.pathless_groups_only:
            raise invalid_path("groups are modified without a path")
        elif not isinstance(path, str):
            raise invalid_path("path must be text")
        else:
            self._at(_parse(path), value)

    def _pathless(self, value: Any) -> None:
        by_value = self.habits.pathless_groups_only or self.habits.member_form == "pathless"
        if self.verb == "remove" and not (self.kind.name == "Group" and by_value):
            raise no_target("remove needs a path")
        if not isinstance(value, dict):
            raise invalid_value("without a path the value must be an object")
        for key, inner in value.items():
            if key.lower() == "schemas":
                continue
            if extension := self.kind.extensions.get(key.lower()):
                urn, table = extension
                if not isinstance(inner, dict):
                    raise invalid_value(f"{urn} must be an object")
                for name, below in inner.items():
                    if name.lower() != "schemas":
                        self._whole(self._attribute(table, name), self.draft.data.setdefault(urn, {}), below)
            else:
                self._whole(self._attribute(self.kind.attributes, key), self.draft.data, inner)
        self._drop_empty_extensions()

    def _at(self, node: PathNode, value: Any) -> None:
        if isinstance(node, Comparison):
            node = ValuePath(AttrPath(node.attr_path.attr, uri=node.attr_path.uri), _sub_comparison(node))
        if not isinstance(node, AttrPath | ValuePath):
            raise invalid_path(f"{node} is no target")
        path = node if isinstance(node, AttrPath) else node.attr_path
        whole = self.kind.extensions.get(f"{path.uri}:{path.attr}".lower()) if path.uri else None
        if whole and path.sub_attr is None and isinstance(node, AttrPath):
            self._extension(whole[0], value)
            return
        holder, attribute = self._holder(path)
        if attribute.mutability == "readOnly":
            raise Refusal(400, f"{attribute.name} is read-only", "mutability")
        if isinstance(node, ValuePath):
            self._selected(attribute, holder, node, value)
        elif path.sub_attr:
            self._sub(attribute, holder, path.sub_attr, value)
        else:
            self._whole(attribute, holder, value)
        self._drop_empty_extensions()

    def _extension(self, urn: str, value: Any) -> None:
        if self.verb == "remove":
            self.draft.data.pop(urn, None)
        else:
            self._pathless({urn: value})

    def _holder(self, path: AttrPath) -> tuple[dict[str, Any], Attribute]:
        if path.uri is None or path.uri.lower() == self.kind.urn.lower():
            return self.draft.data, self._attribute(self.kind.attributes, path.attr)
        if path.uri.lower() not in self.kind.extensions:
            raise invalid_path(f"there is no schema {path.uri}")
        urn, table = self.kind.extensions[path.uri.lower()]
        return self.draft.data.setdefault(urn, {}), self._attribute(table, path.attr)

    def _attribute(self, table: dict[str, Attribute], name: str) -> Attribute:
        values.refuse_unknown(self.faults, name)
        attribute = table.get(name.lower())
        if attribute is None:
            raise invalid_path(f"{self.kind.name} has no attribute {name}")
        return attribute

    def _whole(self, attribute: Attribute, holder: dict[str, Any], value: Any) -> None:
        """The target is an attribute, all of it."""
        if attribute.mutability == "readOnly":
            raise Refusal(400, f"{attribute.name} is read-only", "mutability")
        if attribute.name == "members":
            self._members(value, patching.bend_verb(self.faults, attribute, self.verb))
            return
        if self.verb == "remove":
            holder.pop(attribute.name, None)
            return
        accepted = accept_value(attribute, value, attribute.name)
        verb = patching.bend_verb(self.faults, attribute, self.verb)
        unassigned = _nulls(attribute, value)
        if unassigned:
            merged = {**holder.get(attribute.name, {}), **(accepted or {})}
            holder[attribute.name] = {name: held for name, held in merged.items() if name.lower() not in unassigned}
        elif accepted is None:
            if verb == "replace":
                holder.pop(attribute.name, None)
        elif attribute.returned == "never":
            return
        elif attribute.multi and verb == "add":
            holder[attribute.name] = _added(holder.get(attribute.name, []), accepted)
        elif attribute.type == "complex" and not attribute.multi:
            holder[attribute.name] = {**holder.get(attribute.name, {}), **accepted}
        else:
            holder[attribute.name] = accepted

    def _members(self, value: Any, verb: str) -> None:
        """Ids in {value: …}. A removal that names members takes those; one that names none takes everybody."""
        members = self.draft.members
        if verb == "remove" and (value is None or "arrayClears" in self.faults):
            members.clear()
            return
        ids = member_ids(value)
        if verb == "remove":
            if not patching.removes(self.faults, "valueArray"):
                return
            for identifier in ids:
                members.pop(identifier, None)
            return
        if verb == "replace":
            members.clear()
        self.draft.repeated += patching.repeated(self.faults, members, ids)
        members.update(dict.fromkeys(ids))

    def _sub(self, attribute: Attribute, holder: dict[str, Any], name: str, value: Any) -> None:
        """The target is a sub-attribute: of the one value, or of every element."""
        sub = self._sub_attribute(attribute, name)
        if attribute.name == "members":
            raise Refusal(400, "members are added and removed, never changed", "mutability")
        if attribute.multi:
            for element in holder.get(attribute.name, []):
                self._set(sub, element, value)
            return
        complex_value = dict(holder.get(attribute.name, {}))
        self._set(sub, complex_value, value)
        if complex_value:
            holder[attribute.name] = complex_value
        else:
            holder.pop(attribute.name, None)

    def _sub_attribute(self, attribute: Attribute, name: str) -> Attribute:
        sub = attribute.subs.get(name.lower())
        if sub is None:
            raise invalid_path(f"{attribute.name} has no {name}")
        return sub

    def _set(self, sub: Attribute, holder: dict[str, Any], value: Any) -> None:
        accepted = None if self.verb == "remove" else accept_value(sub, value, sub.name)
        if accepted is None:
            holder.pop(sub.name, None)
        else:
            holder[sub.name] = accepted

    def _selected(self, attribute: Attribute, holder: dict[str, Any], node: ValuePath, value: Any) -> None:
        """The target is some elements of a multi-valued attribute, or a sub-attribute of those."""
        if not attribute.multi or attribute.type != "complex":
            raise invalid_path(f"{attribute.name} has no elements to select")
        test = compile_element_filter(node.val_filter, attribute)
        if attribute.name == "members":
            self._selected_members(node, test)
            return
        elements: list[dict[str, Any]] = holder.get(attribute.name, [])
        chosen = [e for e in elements if test(e)]
        if self.verb == "remove" and not node.sub_attr:
            left = [e for e in elements if e not in chosen]
            if left:
                holder[attribute.name] = left
            else:
                holder.pop(attribute.name, None)
            return
        if not chosen:
            if not patching.may_make_target(self.faults, self.verb, node):
                return
            chosen = [self._new_element(attribute, holder, node.val_filter)]
        for element in chosen:
            if node.sub_attr:
                self._set(self._sub_attribute(attribute, node.sub_attr), element, value)
            else:
                accepted = accept_value(attribute, value, attribute.name)
                element.update((accepted or [{}])[0])
        _one_primary(holder[attribute.name], chosen)

    def _selected_members(self, node: ValuePath, test: Predicate) -> None:
        if self.verb != "remove" or node.sub_attr:
            raise Refusal(400, "members are added and removed, never changed", "mutability")
        if not patching.removes(self.faults, "valuePath"):
            return
        wanted = _equalities(node.val_filter).get("value")
        near = [wanted] if wanted is not None and isinstance(node.val_filter, Comparison) else self.draft.members
        for identifier in [m for m in near if m in self.draft.members and test({"value": m})]:
            del self.draft.members[identifier]

    def _new_element(self, attribute: Attribute, holder: dict[str, Any], node: FilterNode) -> dict[str, Any]:
        """`add` where nothing matches makes the element that would have: {type: work}."""
        element = {
            attribute.subs[name].name: value for name, value in _equalities(node).items() if name in attribute.subs
        }
        if self.habits.email_primary and attribute.name == "emails":
            element.setdefault("primary", not any(e.get("primary") for e in holder.get("emails", [])))
        holder.setdefault(attribute.name, []).append(element)
        return element

    def _drop_empty_extensions(self) -> None:
        for urn, _ in self.kind.extensions.values():
            if self.draft.data.get(urn) == {}:
                del self.draft.data[urn]


def member_ids(value: Any) -> list[str]:
    """The ids in a list of members, or in one member. Raises Refusal invalidValue."""
    elements = value if isinstance(value, list) else [value]
    ids = [e.get("value") if isinstance(e, dict) else None for e in elements if e is not None]
    if not all(isinstance(identifier, str) for identifier in ids):
        raise invalid_value("each member must be an object with a text `value`")
    return [str(identifier) for identifier in ids]


def _nulls(attribute: Attribute, value: Any) -> set[str]:
    """Sub-attributes of a single complex value that are given as null: unassigned, and no others (RFC 7643 2.5)."""
    if attribute.type != "complex" or attribute.multi or not isinstance(value, dict):
        return set()
    return {name.lower() for name, given in value.items() if given is None}


def _parse(path: str) -> PathNode:
    try:
        node = Path[Any](path).ast
    except (SCIMException, ValueError) as error:
        raise invalid_path(f"the path can't be read: {error}") from error
    if node is None:
        raise invalid_path("the path is empty")
    return node


def _sub_comparison(node: Comparison) -> Comparison:
    """`emails.type eq "work"` as a path means the elements that it holds for (errata 7122)."""
    return Comparison(AttrPath(node.attr_path.sub_attr or "value"), node.op, node.value)


def _equalities(node: FilterNode) -> dict[str, Any]:
    """The `sub eq value` terms that all must hold, by lower-case name."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == "and" else (node,)
    return {
        t.attr_path.attr.lower(): t.value for t in terms if isinstance(t, Comparison) and t.op == CompareOperator.eq
    }


def _added(present: list[Any], new: list[Any]) -> list[Any]:
    """Values that are there already are not added again (RFC 7644 section 3.5.2.1)."""
    elements = [dict(e) if isinstance(e, dict) else e for e in present]
    fresh = [e for e in new if e not in elements]
    elements.extend(fresh)
    _one_primary(elements, fresh)
    return elements


def _one_primary(elements: list[Any], winners: list[Any]) -> None:
    """A new primary element ends the old one's (RFC 7644 section 3.5.2)."""
    if not any(isinstance(e, dict) and e.get("primary") is True for e in winners):
        return
    for element in elements:
        if isinstance(element, dict) and element.get("primary") is True and not any(element is w for w in winners):
            element["primary"] = False

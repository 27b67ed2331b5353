"""The four steps of one person as text: import, scope, match, action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from reconciler.model.explanation import Explanation, Mapped, Matched, Scoped, Way
from reconciler.model.plan import AddMembers, Change, DeleteGroup, EmptyGroup, RemoveMembers, Source
from reconciler.render.safe import quoted, safe, width
from reconciler.render.style import Style

_STANDING = {"inScope": ("in scope", "green"), "disabled": ("disabled", "red"), "outOfScope": ("out of scope", "red")}
_WIDEST = 40
"""Columns of the screen: what is longer stands out, and aligns nothing else."""
_LONGEST = 200
"""Characters shown of an expression."""
Row = tuple[str, str, str]
"""(what, what of it, where)."""


def person(explanation: Explanation, style: Style) -> str:
    """The whole explanation. Names and values of files and servers come out harmless."""
    lines = [
        *_head(explanation, style),
        "",
        *_imported(explanation, style),
        "",
        *_scoped(explanation.scope, explanation.imported.kind == "person", style),
    ]
    lines += ["", *_matched(explanation.match, style), "", *_action(explanation, style)]
    return "\n".join(lines) + "\n"


def _head(explanation: Explanation, style: Style) -> Iterator[str]:
    name = f"{style(safe(explanation.key), 'bold')}  {safe(explanation.name)}"
    moment = explanation.as_of.replace("T", " ").replace("Z", " UTC")
    yield f"{name} in {safe(explanation.app)}   as of {moment}"


def _imported(explanation: Explanation, style: Style) -> Iterator[str]:
    imported = explanation.imported
    yield f"{style('IMPORT', 'bold')}  {safe(imported.file)}:{imported.line}"
    rows = [
        (safe(each.name), _value(each.value), f"line {each.line}" if each.line else "the default")
        for each in imported.attributes
    ]
    if imported.kind != "person":
        rows.append(("kind", safe(imported.kind), ""))
    if imported.roles:
        rows.append(("appRoleAssignments", _value(list(imported.roles)), "computed"))
    yield from _table(rows, style)


def _scoped(scope: Scoped, person: bool, style: Style) -> Iterator[str]:
    word, colour = _STANDING[scope.standing]
    why = f": {safe(scope.why)}" if scope.why and scope.why != word else ""
    yield f"{style('SCOPE', 'bold')}  {style(word, colour)}{why}"
    rows = [(_mark(scope.enabled, style) + " accountEnabled", "true" if scope.enabled else "false", "")]
    if scope.window:
        rows.append((f"{_mark(scope.inside, style)} access", safe(scope.window), ""))
    if scope.everyone:
        rows.append((_mark(person, style) + " everyone", "the app is for everybody of kind person", ""))
    elif not scope.assigned:
        rows.append((_mark(False, style) + " assigned", "neither directly nor through a group", ""))
    rows += [_way(each, style) for each in scope.assigned]
    rows.append((f"{_mark(not scope.excluded, style)} {'excluded' if scope.excluded else 'not excluded'}", "", ""))
    for number, each in enumerate(scope.filters, start=1):
        rows.append((f"{_mark(each.holds, style)} filter {number}", "holds" if each.holds else "does not hold", ""))
        for clause in each.clauses:
            text = safe(clause.text, _LONGEST)
            rows.append((f"  {_mark(clause.holds, style)} {text}", f"is {_value(clause.value)}", _place(clause.source)))
    if not scope.filters:
        rows.append((f"{_mark(True, style)} filters", "none", ""))
    yield from _table(rows, style)
    if scope.left_out:
        yield f"  {style('left out', 'yellow')}: {safe(scope.left_out)}"


def _way(way: Way, style: Style) -> Row:
    roles = f", roles {', '.join(map(safe, way.roles))}" if way.roles else ""
    chain = " → ".join(safe(each) for each in (way.group, *way.through) if each)
    how = f"through {chain}" if chain else "directly"
    when = f" ({', '.join(safe(each, _LONGEST) for each in way.windows)})" if way.windows else ""
    return f"{_mark(way.holds, style)} assigned", f"{how}{roles}{when}", _place(way.source)


def _matched(match: Matched, style: Style) -> Iterator[str]:
    account = match.account
    found = (
        f"account {safe(account.id)} ({safe(account.name)}{'' if account.active else ', inactive'})" if account else ""
    )
    colour = {"question": "yellow", "ignored": "yellow", "none": "dim", "notTried": "dim"}.get(match.by, "green")
    head = ", ".join(part for part in (found, f"by {match.by}" if account and match.by != "ignored" else "") if part)
    yield f"{style('MATCH', 'bold')}  {style(head, colour)}{': ' if head else ''}{safe(match.text, _LONGEST)}"
    rows = [
        ("pin", _value(match.pin) if match.pin else "none", ""),
        ("binding", _value(match.binding) if match.binding else "none", ""),
    ]
    for each in match.attempts:
        hits = ", ".join(f"{safe(one.id)} ({safe(one.name)}{'' if one.active else ', inactive'})" for one in each.found)
        former = "formerly " if each.former else ""
        tried = (
            f"{former}{_value(each.value)} finds {hits or 'nobody'}" if each.value is not None else "no value to try"
        )
        rows.append((safe(each.path), tried, ""))
    yield from _table(rows, style)


def _action(explanation: Explanation, style: Style) -> Iterator[str]:
    action = explanation.action
    yield from _mappings(action.mappings, style)
    yield ""
    what = "not planned" if not action.planned else "" if action.changes or action.blocked else "nothing to do"
    yield f"{style('ACTION', 'bold')}  {what}".rstrip()
    if action.groups:
        yield f"  belongs into {', '.join(map(safe, action.groups))}"
    for change in action.changes:
        yield from _change(change, style)
    for each in action.blocked:
        yield f"  {style('blocked', 'yellow')}  {each.wanted}: {safe(each.text, _LONGEST)}"
    for note in action.notes:
        yield f"  {style('note', 'dim')}  {note.code}: {safe(note.text, _LONGEST)}"


def _mappings(mappings: Sequence[Mapped], style: Style) -> Iterator[str]:
    yield style("MAPPINGS", "bold")
    for each in mappings:
        if each.outcome == "notNow":
            continue
        matching = f", matching {each.matching}" if each.matching else ""
        place = style(f"{_place(each.source)}{matching}", "dim")
        yield f"  {style(safe(each.target), 'bold')} ← {safe(each.rule, _LONGEST)}   {place}"
        rows = [(safe(name), _value(value), "") for name, value in each.inputs.items()]
        rows += [(safe(step.text, _LONGEST), f"= {_value(step.value)}", "") for step in each.steps]
        if each.kind == "expression":
            rows.append(("result", f"= {_value(each.result)}", ""))
        rows += [("values", safe(text), "") for text in each.table]
        yield from _table(rows, style, indent=6)
        yield f"      {_outcome(each, style)}"
    if waiting := [safe(each.target) for each in mappings if each.outcome == "notNow"]:
        yield style(f"  not written, since only what reads IsSoftDeleted is: {', '.join(waiting)}", "dim")


def _outcome(mapped: Mapped, style: Style) -> str:
    value = _value(mapped.value)
    match mapped.outcome:
        case "flows":
            return f"→ {style(value, 'green')}"
        case "onCreation":
            return f"→ {style(value, 'green')}, on creation only"
        case "default":
            return f"→ {style(value, 'green')}, the default, on creation only: there is no value"
        case "skipped":
            return style("skipped: there is no value, and the application keeps what it has", "dim")
        case "cleared":
            return f"→ {style('nothing', 'red')}: the application's value is cleared"
        case "leftOut":
            return style("leaves this person out: nothing at all flows", "yellow")
        case "notNow":
            return style("not written", "dim")
        case "failed":
            return f"{style('fails', 'red')}: {safe(mapped.error, _LONGEST)}"
        case _:
            assert_never(mapped.outcome)


def _change(change: Change, style: Style) -> Iterator[str]:
    losing = change.action.startswith(("deactivate", "delete", "remove", "empty"))
    word = style(change.action, "yellow" if change.held else "red" if losing else "green")
    about = ""
    if isinstance(change, (AddMembers, RemoveMembers, EmptyGroup, DeleteGroup)):
        through = {each for member in change.members for each in member.via}
        about = f"  {safe(change.name)}{' through ' + ', '.join(sorted(map(safe, through))) if through else ''}"
    reasons = f"  ({', '.join(change.reasons)})" if change.reasons else ""
    place = f"   {style(_place(change.source), 'dim')}" if change.source else ""
    yield f"  {word}{about}{reasons}{place}"
    changed = getattr(change, "set", {})
    creates = change.action.startswith("create")
    rows = [
        (safe(path), _value(d.after) if creates else f"{_value(d.before)} → {_value(d.after)}", "")
        for path, d in changed.items()
    ]
    yield from _table(rows, style, indent=6)
    groups = getattr(change, "groups", ())
    if groups:
        yield f"      member of {', '.join(map(safe, groups))}"
    for held in change.held:
        yield f"      {style('held', 'yellow')} by {safe(held.by)}   --allow {safe(held.release)}"


def _mark(good: bool, style: Style) -> str:
    return style("✓", "green") if good else style("✗", "red")


def _place(source: Source) -> str:
    return f"{safe(source.file)}:{source.line}" if source.line else safe(source.file)


def _value(value: Any) -> str:
    match value:
        case {"redacted": True}:
            return "[Redact]"
        case {"generated": str() as function}:
            return f"[{safe(function)}]"
        case {"firstFree": [*candidates]}:
            return f"the first that nobody has of {', '.join(map(quoted, candidates))}"
        case {"key": str() as key}:
            return f"the account of {safe(key)}"
        case dict():
            return quoted(value.get("value", value))
        case [*elements] if any(isinstance(each, dict) for each in elements):
            return ", ".join(map(_value, elements))
        case _:
            return quoted(value)


def _table(rows: Sequence[Row], style: Style, indent: int = 2) -> Iterator[str]:
    """Aligned by columns of the screen, colours aside."""
    first = max((wide for row in rows if (wide := _width(row[0])) <= _WIDEST), default=0)
    second = max((wide for row in rows if row[2] and (wide := _width(row[1])) <= _WIDEST), default=0)
    for what, text, place in rows:
        line = f"{what}{' ' * (first - _width(what))}  {text}" if text else what
        if place:
            line += f"{' ' * (second - _width(text))}   {style(place, 'dim')}"
        yield f"{' ' * indent}{line}"


def _width(text: str) -> int:
    plain, start = "", 0
    while (code := text.find("\x1b[", start)) >= 0:
        plain, start = plain + text[start:code], text.index("m", code) + 1
    return width(plain + text[start:])

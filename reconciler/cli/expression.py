"""`reconciler expression`: evaluates one expression, on a person's attributes or on given ones."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.errors import ExpressionError
    from reconciler.project import Context, Expression

_WIDTH = 100
"""Characters of an expression that are shown around an error."""


@click.command()
@click.argument("text", metavar="TEXT")
@options.directory
@click.option("--user", metavar="ID", help="The attributes of this person, from the desired state in DIR.")
@click.option(
    "--input", "inputs", metavar="NAME=VALUE", multiple=True,
    help="An attribute; repeatable. The same name twice makes it multi-valued; it goes before the person's own.",
)  # fmt: skip
@click.option("--now", metavar="TIME", help="The value of Now(); the present if left out.")
@options.output
@options.cache
@click.pass_context
def expression(
    context: click.Context,
    text: str,
    directory: Path | None,
    user: str | None,
    inputs: tuple[str, ...],
    now: str | None,
    form: str,
) -> None:
    """Evaluate an expression of the mapping language: reconciler expression 'ToUpper([mail])' --input mail=a@b.c

    Prints the value that would flow to the target; null where there is none, __IGNORE_FLOW__ where the attribute is
    left out of the flow. Exit code 1: it can't be read, or fails on these values.
    """
    from reconciler.errors import ExpressionError, UsageError
    from reconciler.project import Context, compile_expression, parse_time

    try:
        moment = parse_time(now) if now is not None else datetime.now(UTC)
    except ExpressionError as error:
        raise UsageError(f"--now: {error.message}", hint=error.hint) from error
    source, known = _person(user, directory) if user is not None else ({}, None)
    source |= _inputs(inputs)
    try:
        compiled = compile_expression(text)
        _notes(compiled, source, known)
        result, candidates = _evaluated(compiled, source, Context(moment))
    except ExpressionError as error:
        click.echo("\n".join(_explained(text, error)), err=True)
        if form == "json":
            told = {"message": error.message, "column": error.column, "hint": error.hint or None}
            click.echo(json.dumps({"expression": text, "error": told}, ensure_ascii=False, indent=2))
        context.exit(1)
    if form == "json":
        click.echo(json.dumps({"expression": text, "result": result, **candidates}, ensure_ascii=False, indent=2))
    else:
        click.echo(_line(result))


def _person(user: str, directory: Path | None) -> tuple[dict[str, Any], Collection[str]]:
    """Somebody's source attributes, and all names that there are."""
    from difflib import get_close_matches

    from reconciler import desired
    from reconciler.errors import UsageError
    from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES
    from reconciler.model.values import UserId
    from reconciler.project.people import user_source

    root = desired.find(directory or Path.cwd())
    people = desired.load(root, cache=desired.cache_of(root)).directory
    found = people.users.get(UserId(user))
    if found is None:
        near = get_close_matches(user, people.users, 1)
        raise UsageError(f"there is nobody with the id {user}", hint=f"did you mean {near[0]}?" if near else "")
    known = {*GRAPH_ATTRIBUTES, *COMPUTED, *people.attributes}
    return user_source(found, soft=not found.enabled), known


def _inputs(given: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE, each; one name several times is several values."""
    from reconciler.errors import UsageError

    values: dict[str, list[str]] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise UsageError(f"--input {each}: not NAME=VALUE", hint="such as --input mail=ada@contoso.com")
        values.setdefault(name.strip().strip("[]"), []).append(value)
    return {name: each[0] if len(each) == 1 else tuple(each) for name, each in values.items()}


def _notes(compiled: Expression, source: dict[str, Any], known: Collection[str] | None) -> None:
    """What reads as nothing, on stderr: it is seldom meant."""
    from difflib import get_close_matches

    for name, column in compiled.readings:
        if name in source or (known is not None and name in known):
            continue
        near = get_close_matches(name, known or source, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        click.echo(_harmless(f"note: [{name}], at column {column}, has no value here{meant}"), err=True)


def _evaluated(compiled: Expression, source: dict[str, Any], context: Context) -> tuple[Any, dict[str, Any]]:
    """The result as JSON has it; of SelectUniqueValue the first candidate, and all of them."""
    from reconciler.model.values import IGNORE_OBJECT, UNSET, Choice, Generated, Redacted
    from reconciler.project.cases import IGNORED, IGNORED_OBJECT

    result = compiled.evaluate(source, context)
    if result is UNSET:
        return IGNORED, {}
    if result is IGNORE_OBJECT:
        return IGNORED_OBJECT, {}
    if isinstance(result, Generated):
        click.echo(f"note: apply draws it when it creates the account: {result.function}", err=True)
        return {"generated": result.function}, {}
    if isinstance(result, Redacted):
        return {"redacted": True}, {}
    if isinstance(result, Choice):
        listed = ", ".join(result.candidates)
        click.echo(_harmless(f"note: the first that nobody has, of: {listed}"), err=True)
        return result.candidates[0], {"candidates": list(result.candidates)}
    return list(result) if isinstance(result, tuple) else result, {}


def _line(result: Any) -> str:
    match result:
        case str():
            return _harmless(result)
        case {"generated": function}:
            return f"[{function}]"
        case {"redacted": True}:
            return "[Redact]"
        case _:
            return _harmless(json.dumps(result, ensure_ascii=False))


def _explained(text: str, error: ExpressionError) -> Iterator[str]:
    """The message, the line of the expression with a caret under the column, and the hint."""
    yield click.style("error: ", fg="red", bold=True) + _harmless(error.message)
    if error.column:
        start = text.rfind("\n", 0, error.column - 1) + 1
        line, at = text[start:].split("\n", 1)[0], error.column - 1 - start
        cut = max(0, at - _WIDTH // 2)
        yield "  " + _harmless(line[cut : cut + _WIDTH])
        yield "  " + " " * _columns(_harmless(line[cut:at])) + "^"
    if error.hint:
        yield "    " + _harmless(error.hint)


def _columns(text: str) -> int:
    """Terminal columns; East Asian wide characters take two, combining ones none."""
    import unicodedata

    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text
    )


def _harmless(text: str) -> str:
    """What files and values hold can't move the cursor: everything unprintable is escaped."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)

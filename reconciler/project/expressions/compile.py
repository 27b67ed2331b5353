"""Tree → closures: compiled once, evaluated for every person. IIF and Switch evaluate only the branch they take."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, assert_never

from reconciler.errors import ExpressionError, Place
from reconciler.model.clauses import as_text
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.project.expressions import diacritics, lists, logic, replace, text  # noqa: F401  they declare functions
from reconciler.project.expressions.grammar import parse
from reconciler.project.expressions.registry import FUNCTIONS, Function, Unusable, elements_of
from reconciler.project.expressions.tree import Call, Comparison, Concatenation, Literal, Missing, Name, Node, Reading
from reconciler.project.suggest import nearest, suggestion

Run: TypeAlias = Callable[[Mapping[str, Value]], Flow]

CONSTANTS: Final[dict[str, Flow]] = {
    "vbBinaryCompare": text.VB_BINARY_COMPARE,
    "vbTextCompare": text.VB_TEXT_COMPARE,
    "UTF8": "UTF8",
    "IgnoreAttributeFlow": UNSET,
}
LATER: Final = frozenset({
    "AppRoleAssignments", "AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex", "BitAnd", "CDate",
    "ConvertFromBase64", "ConvertToBase64", "ConvertToUTF8Hex", "DateAdd", "DateDiff", "DateFromNum", "DefaultDomain",
    "DNComponent", "Error", "FormatDateTime", "Guid", "IgnoreObjectFlow", "IsNothing", "Now", "NumFromDate", "Prepend",
    "RandomString", "Redact", "SelectUniqueValue", "SingleAppRoleAssignment", "StringFromSid",
})  # fmt: skip
"""Names of the service's language that this version does not evaluate."""
_FORMS: Final = {"IIF": "IIF(condition, valueIfTrue, valueIfFalse)", "Switch": "Switch(source, default, key, value, …)"}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `evaluate` raises ExpressionError, naming function and argument, if values don't fit."""

    text: str
    readings: tuple[tuple[str, int], ...]
    """The attributes it reads, each once, with the column of the first reading."""
    evaluate: Run

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.readings)


def compile_expression(text: str, *, place: Place | None = None) -> Expression:
    """Compiles `text`; `place` is where it begins in its file.

    Raises ExpressionError for what can't be read and for functions that do not exist, with the column.
    """
    try:
        builder = _Builder()
        run = builder.build(parse(text))
    except ExpressionError as error:
        if place is None or error.place is not None:
            raise
        raise ExpressionError(error.message, column=error.column, hint=error.hint, place=place) from error
    return Expression(text, tuple(builder.readings.items()), run)


def _later(name: str, column: int) -> ExpressionError:
    return ExpressionError(f"{name} comes with a later version, at column {column}", column=column)


def _unknown(node: Call) -> ExpressionError:
    meant = nearest(node.name, (*FUNCTIONS, *_FORMS))
    hint = f"did you mean {meant}?" if meant else ""
    if meant.lower() == node.name.lower():
        hint += " Upper and lower case matter"
    message = f"no function has the name {node.name}, at column {node.column}"
    return ExpressionError(message, column=node.column, hint=hint)


class _Builder:
    def __init__(self) -> None:
        self.readings: dict[str, int] = {}

    def build(self, node: Node) -> Run:
        match node:
            case Literal(_, value):
                return lambda _: value
            case Missing():
                return lambda _: UNSET
            case Reading(column, attribute):
                self.readings.setdefault(attribute, column)
                return lambda source: source.get(attribute)
            case Name():
                return self._constant(node)
            case Concatenation(_, parts):
                runs = [self.build(part) for part in parts]
                return lambda source: text.concatenate(run(source) for run in runs)
            case Comparison(column, sign):
                message = f"{sign} stands only in the condition of IIF and in CBool, at column {column}"
                raise ExpressionError(message, column=column)
            case Call():
                return self._call(node)
            case _:
                assert_never(node)

    def _constant(self, node: Name) -> Run:
        if node.name in LATER:
            raise _later(node.name, node.column)
        if node.name not in CONSTANTS:
            called = node.name in FUNCTIONS or node.name in _FORMS
            hint = f"{node.name} is a function: it needs parentheses" if called else suggestion(node.name, CONSTANTS)
            message = f"no constant has the name {node.name}, at column {node.column}"
            raise ExpressionError(
                message, column=node.column, hint=hint or 'texts stand in "quotes", attributes in [brackets]'
            )
        value = CONSTANTS[node.name]
        return lambda _: value

    def _call(self, node: Call) -> Run:
        match node.name:
            case "IIF":
                return self._iif(node)
            case "Switch":
                return self._switch(node)
        if node.name in LATER:
            raise _later(node.name, node.column)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise _unknown(node)
        _arity(node, function.least, function.most, function.usage)
        _check_literals(node, function)
        if node.name == "CBool":
            return self._condition(node.arguments[0], node)
        return _applied(node, function, [self.build(argument) for argument in node.arguments])

    def _iif(self, node: Call) -> Run:
        _arity(node, 3, 3, _FORMS["IIF"])
        condition = self._condition(node.arguments[0], node)
        then, otherwise = (self._branch(each) for each in node.arguments[1:])
        return lambda source: then(source) if condition(source) else otherwise(source)

    def _switch(self, node: Call) -> Run:
        usage = _FORMS["Switch"]
        _arity(node, 4, len(node.arguments), usage)
        if len(node.arguments) % 2:
            message = f"Switch has a key without a value, at column {node.column}"
            raise ExpressionError(message, column=node.column, hint=usage)
        chosen, default = self.build(node.arguments[0]), self._branch(node.arguments[1])
        pairs = [(self.build(k), self._branch(v)) for k, v in zip(*[iter(node.arguments[2:])] * 2, strict=True)]
        if all(isinstance(key, (Literal, Missing)) for key in node.arguments[2::2]):
            # The usual case, keys written out: one look into a table. Of equal keys the first counts.
            table = {as_text(key({})): value for key, value in reversed(pairs)}
            return lambda source: table.get(_key(chosen(source)), default)(source)

        def switch(source: Mapping[str, Value]) -> Flow:
            wanted = _key(chosen(source))
            return next((value for key, value in pairs if _key(key(source)) == wanted), default)(source)

        return switch

    def _branch(self, node: Node) -> Run:
        """An argument that becomes the result: left out, it is null."""
        return (lambda _: None) if isinstance(node, Missing) else self.build(node)

    def _condition(self, node: Node, call: Call) -> Run:
        if isinstance(node, Comparison):
            return self._comparison(node)
        run = self.build(node)

        def condition(source: Mapping[str, Value]) -> bool:
            try:
                return logic.truth(run(source))
            except Unusable as error:
                raise _failed(call, ("condition",), error) from None

        return condition

    def _comparison(self, node: Comparison) -> Run:
        left, right = self._operand(node.left), self._operand(node.right)
        compare = _COMPARE[node.operator]

        def holds(source: Mapping[str, Value]) -> bool:
            one, two = left(source), right(source)
            if one is None or two is None:
                return False  # a condition on an attribute without a value is not met, whatever the operator
            return bool(compare(*_comparable(one, two)))

        return holds

    def _operand(self, node: Node) -> Run:
        run = self.build(node)
        if not isinstance(node, Reading):
            return lambda source: None if (value := run(source)) is UNSET else value
        return lambda source: None if is_null(value := run(source)) else value


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _comparable(one: Value, two: Value) -> tuple[Any, Any]:
    """Numbers if one is a number and the other reads as one; else texts, upper and lower case differing."""
    if any(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (one, two)):
        try:
            return float(one), float(two)
        except (TypeError, ValueError):
            pass
    return as_text(one), as_text(two)


def _key(value: Value) -> str:
    """What Switch compares: upper and lower case differ, null is ""."""
    if isinstance(value, str):
        return value
    elements = elements_of(value)
    return as_text(elements[0] if len(elements) == 1 else value)


def _arity(node: Call, least: int, most: int, usage: str) -> None:
    given = len(node.arguments)
    # Commas at the end that promise nothing are usual: Replace([x], "a", , , "b", , ,)
    while given > most and isinstance(node.arguments[given - 1], Missing):
        given -= 1
    if least <= given <= most:
        return
    number, bound = (least, "at least ") if given < least else (most, "at most ")
    wanted = f"{'' if least == most else bound}{number} argument{'' if number == 1 else 's'}"
    message = f"{node.name} needs {wanted}, not {given}, at column {node.column}"
    raise ExpressionError(message, column=node.column, hint=usage)


def _check_literals(node: Call, function: Function) -> None:
    if function.check is None:
        return
    try:
        function.check(tuple(each.value if isinstance(each, Literal) else None for each in node.arguments))
    except Unusable as error:
        raise _failed(node, function.parameters, error) from error


def _applied(node: Call, function: Function, runs: list[Run]) -> Run:
    body, parameters = function.body, function.parameters
    runs = runs[: function.most]

    def applied(source: Mapping[str, Value]) -> Flow:
        try:
            return body(*[run(source) for run in runs])
        except Unusable as error:
            raise _failed(node, parameters, error) from error

    return applied


def _failed(node: Call, parameters: tuple[str, ...], error: Unusable) -> ExpressionError:
    column = node.column
    if not error.argument:
        return ExpressionError(f"{node.name} {error.message}, at column {column}", column=column)
    if error.argument <= len(node.arguments):
        column = node.arguments[error.argument - 1].column
    name = parameters[min(error.argument, len(parameters)) - 1].rstrip("…") or parameters[-2]
    message = f"{node.name}: argument {error.argument} ({name}) {error.message}, at column {column}"
    return ExpressionError(message, column=column)

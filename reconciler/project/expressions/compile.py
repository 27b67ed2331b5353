"""Tree → closures: compiled once, evaluated for every person. IIF and Switch evaluate only the branch they take."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, assert_never

from reconciler.errors import ExpressionError, Place
from reconciler.model.clauses import as_text
from reconciler.model.values import IGNORE_OBJECT, UNSET, Flow, Generated, Redacted, Value, is_null
from reconciler.project.expressions import (  # noqa: F401  they declare functions
    dates,
    diacritics,
    encode,
    lists,
    logic,
    once,
    replace,
    roles,
    text,
)
from reconciler.project.expressions.context import NOTHING_KNOWN, Context, Undrawn
from reconciler.project.expressions.grammar import parse
from reconciler.project.expressions.moment import DateText
from reconciler.project.expressions.registry import FUNCTIONS, Function, Unusable, elements_of
from reconciler.project.expressions.tree import Call, Comparison, Concatenation, Literal, Missing, Name, Node, Reading
from reconciler.project.suggest import nearest, suggestion

Run: TypeAlias = Callable[[Mapping[str, Value], Context], Flow]
Condition: TypeAlias = Callable[[Mapping[str, Value], Context], bool]

CONSTANTS: Final[dict[str, Flow]] = {
    "vbBinaryCompare": text.VB_BINARY_COMPARE,
    "vbTextCompare": text.VB_TEXT_COMPARE,
    "UTF8": "UTF8",
    "IgnoreAttributeFlow": UNSET,
    "IgnoreObjectFlow": IGNORE_OBJECT,
}
_FORMS: Final = {"IIF": "IIF(condition, valueIfTrue, valueIfFalse)", "Switch": "Switch(source, default, key, value, …)"}


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    readings: tuple[tuple[str, int], ...]
    """The attributes it reads, each once, with the column of the first reading."""
    words: Mapping[str, int]
    """The functions and constants it uses, each with the column of its first use."""
    run: Run

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.readings)

    @property
    def once(self) -> str:
        """The function because of which it is good for creation only; empty if there is none."""
        return next((name for name in (*sorted(once.DRAWING), once.SELECTING) if name in self.words), "")

    @property
    def redacts(self) -> bool:
        return "Redact" in self.words

    @property
    def additive(self) -> bool:
        """Values are added to those that the application has, and none is taken away."""
        return "AppRoleAssignmentsComplex" in self.words

    @property
    def assertive(self) -> bool:
        """The values are all that the application may have; no value at all says so too."""
        return "AssertiveAppRoleAssignmentsComplex" in self.words

    def evaluate(self, source: Mapping[str, Value], context: Context = NOTHING_KNOWN) -> Flow:
        """The value of one set of attributes.

        UNSET: nothing flows; IGNORE_OBJECT: nothing at all does, for this person. Guid and RandomString make it a
        Generated where nothing may be drawn, Redact a Redacted, SelectUniqueValue a Choice where nobody says what is
        taken. Raises ExpressionError, naming function and argument, if values don't fit.
        """
        try:
            result = self.run(source, context)
        except Undrawn as undrawn:
            inputs = tuple((name, source.get(name)) for name in self.reads)
            return Generated(undrawn.function, self.text, inputs, context.now)
        except ExpressionError as error:
            if self.redacts:
                raise _redacted(error) from None
            raise
        if type(result) is DateText:
            result = str(result)
        return Redacted(result) if self.redacts and not is_null(result) else result


def _redacted(error: ExpressionError) -> ExpressionError:
    """Messages quote what does not fit; what is redacted is not quoted."""
    return ExpressionError(f"fails on a redacted value, at column {error.column}", column=error.column)


def compile_expression(text: str, *, place: Place | None = None) -> Expression:
    """Compiles `text`; `place` is where it begins in its file.

    Raises ExpressionError for what can't be read and for functions that do not exist, with the column.
    """
    try:
        builder, tree = Builder(), parse(text)
        run = builder.build(tree)
        _check_words(tree, builder.words)
    except ExpressionError as error:
        if place is None or error.place is not None:
            raise
        raise ExpressionError(error.message, column=error.column, hint=error.hint, place=place) from error
    return Expression(text, tuple(builder.readings.items()), builder.words, run)


def _check_words(tree: Node, words: Mapping[str, int]) -> None:
    """SelectUniqueValue stands around everything else, as in the service."""
    column = words.get(once.SELECTING)
    if column is None:
        return
    message = ""
    if not (isinstance(tree, Call) and tree.name == once.SELECTING):
        message = "must be the outermost function"
    for name in ("Redact", *sorted(once.DRAWING)):
        if name in words:
            message, column = f"can't be combined with {name}", words[name]
    if message:
        message = f"{once.SELECTING} {message}, at column {column}"
        raise ExpressionError(message, column=column)


def _unknown(node: Call) -> ExpressionError:
    meant = nearest(node.name, (*FUNCTIONS, *_FORMS))
    hint = f"did you mean {meant}?" if meant else ""
    if meant.lower() == node.name.lower():
        hint += " Upper and lower case matter"
    message = f"no function has the name {node.name}, at column {node.column}"
    return ExpressionError(message, column=node.column, hint=hint)


class Builder:
    """Makes a Run of each node; `readings` and `words` tell what was met on the way."""

    def __init__(self) -> None:
        self.readings: dict[str, int] = {}
        self.words: dict[str, int] = {}

    def build(self, node: Node) -> Run:
        match node:
            case Literal(_, value):
                return lambda _source, _context: value
            case Missing():
                return lambda _source, _context: UNSET
            case Reading(column, attribute):
                self.readings.setdefault(attribute, column)
                return lambda source, _context: source.get(attribute)
            case Name():
                return self._constant(node)
            case Concatenation(_, parts):
                runs = [self.build(part) for part in parts]
                return lambda source, context: text.concatenate(run(source, context) for run in runs)
            case Comparison(column, sign):
                message = f"{sign} stands only in the condition of IIF and in CBool, at column {column}"
                raise ExpressionError(message, column=column)
            case Call():
                return self._call(node)
            case _:
                assert_never(node)

    def _constant(self, node: Name) -> Run:
        if node.name not in CONSTANTS:
            called = node.name in FUNCTIONS or node.name in _FORMS
            hint = f"{node.name} is a function: it needs parentheses" if called else suggestion(node.name, CONSTANTS)
            message = f"no constant has the name {node.name}, at column {node.column}"
            raise ExpressionError(
                message, column=node.column, hint=hint or 'texts stand in "quotes", attributes in [brackets]'
            )
        value = CONSTANTS[node.name]
        self.words.setdefault(node.name, node.column)
        return lambda _source, _context: value

    def _call(self, node: Call) -> Run:
        match node.name:
            case "IIF":
                return self._iif(node)
            case "Switch":
                return self._switch(node)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise _unknown(node)
        if node.name == once.SELECTING and node.name in self.words:
            message = f"{node.name} can't stand in itself, at column {node.column}"
            raise ExpressionError(message, column=node.column)
        self.words.setdefault(node.name, node.column)
        _arity(node, function.least, function.most, function.usage)
        _check_literals(node, function)
        if node.name == "CBool":
            return self._condition(node.arguments[0], node)
        return _applied(node, function, [self.build(argument) for argument in node.arguments])

    def _iif(self, node: Call) -> Run:
        _arity(node, 3, 3, _FORMS["IIF"])
        condition = self._condition(node.arguments[0], node)
        then, otherwise = (self._branch(each) for each in node.arguments[1:])
        return lambda source, context: (then if condition(source, context) else otherwise)(source, context)

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
            table = {as_text(key({}, NOTHING_KNOWN)): value for key, value in reversed(pairs)}
            return lambda source, context: table.get(_key(chosen(source, context)), default)(source, context)

        def switch(source: Mapping[str, Value], context: Context) -> Flow:
            wanted = _key(chosen(source, context))
            found = next((value for key, value in pairs if _key(key(source, context)) == wanted), default)
            return found(source, context)

        return switch

    def _branch(self, node: Node) -> Run:
        """An argument that becomes the result: left out, it is null."""
        return (lambda _source, _context: None) if isinstance(node, Missing) else self.build(node)

    def _condition(self, node: Node, call: Call) -> Condition:
        if isinstance(node, Comparison):
            return self._comparison(node)
        run = self.build(node)

        def condition(source: Mapping[str, Value], context: Context) -> bool:
            try:
                return logic.truth(run(source, context))
            except Unusable as error:
                raise _failed(call, ("condition",), error) from None

        return condition

    def _comparison(self, node: Comparison) -> Condition:
        left, right = self._operand(node.left), self._operand(node.right)
        compare = _COMPARE[node.operator]

        def holds(source: Mapping[str, Value], context: Context) -> bool:
            one, two = left(source, context), right(source, context)
            if one is None or two is None:
                return False  # a condition on an attribute without a value is not met, whatever the operator
            return bool(compare(*_comparable(one, two)))

        return holds

    def _operand(self, node: Node) -> Run:
        run = self.build(node)
        if not isinstance(node, Reading):
            return lambda source, context: None if (value := run(source, context)) is UNSET else value
        return lambda source, context: None if is_null(value := run(source, context)) else value


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _comparable(one: Value, two: Value) -> tuple[Any, Any]:
    """Dates if one is a date, numbers if one is a number, and the other reads as one; else texts, case differing."""
    if isinstance(one, DateText) or isinstance(two, DateText):
        dated = dates.date_ticks(one), dates.date_ticks(two)
        if None not in dated:
            return dated
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

    def applied(source: Mapping[str, Value], context: Context) -> Flow:
        try:
            return body(*[run(source, context) for run in runs])
        except Unusable as error:
            raise _failed(node, parameters, error) from error

    def informed(source: Mapping[str, Value], context: Context) -> Flow:
        try:
            return body(context, *[run(source, context) for run in runs])
        except Unusable as error:
            raise _failed(node, parameters, error) from error

    return informed if function.contextual else applied


def _failed(node: Call, parameters: tuple[str, ...], error: Unusable) -> ExpressionError:
    column = node.column
    if not error.argument:
        return ExpressionError(f"{node.name} {error.message}, at column {column}", column=column)
    if error.argument <= len(node.arguments):
        column = node.arguments[error.argument - 1].column
    name = parameters[min(error.argument, len(parameters)) - 1].rstrip("…") or parameters[-2]
    if node.name == "FormatDateTime" and len(node.arguments) == 3 and error.argument > 1:
        name = parameters[error.argument]  # the form without styles
    message = f"{node.name}: argument {error.argument} ({name}) {error.message}, at column {column}"
    return ExpressionError(message, column=column)

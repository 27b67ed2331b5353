"""What each mapping makes of one person: what it reads, how its value comes about, and what flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal, TypeAlias

from reconciler.errors import ExpressionError
from reconciler.model.clauses import as_text
from reconciler.model.explanation import Mapped, Outcome, Step, plain
from reconciler.model.mapping import Mapping as Written
from reconciler.model.path import parse_path
from reconciler.model.plan import Source
from reconciler.model.values import IGNORE_OBJECT, UNSET, Flow, Redacted, Value, is_null
from reconciler.project.columns import Columns
from reconciler.project.conform import Misfit
from reconciler.project.expressions import Context, Expression, compile_expression
from reconciler.project.expressions.context import Undrawn
from reconciler.project.expressions.grammar import parse
from reconciler.project.expressions.steps import Step as Traced
from reconciler.project.expressions.steps import trace
from reconciler.project.expressions.steps import written as written_again
from reconciler.project.mapping import Compiled

Kind: TypeAlias = Literal["source", "constant", "expression", "implied"]
REDACTED = {"redacted": True}
"""As documents show what the expression redacts."""


def explain_mappings(
    columns: Columns, written: Sequence[Written], source: Mapping[str, Value], context: Context, *, in_scope: bool
) -> tuple[Mapped, ...]:
    """In the order of the mappings. Of somebody not in scope only those that read IsSoftDeleted flow."""
    by_path = {parse_path(each.target).canonical: each for each in written}
    return tuple(
        _Explainer(each, by_path.get(each.path.canonical), source, context, in_scope=in_scope).mapped()
        for each in columns.all
    )


def redacted_by(written: Written) -> frozenset[str]:
    """The attributes that an expression reads and keeps out of every output."""
    try:
        expression = compile_expression(written.expression) if written.expression is not None else None
    except ExpressionError:
        return frozenset()
    return frozenset(expression.reads) if expression is not None and expression.redacts else frozenset()


class _Explainer:
    def __init__(
        self,
        compiled: Compiled,
        written: Written | None,
        source: Mapping[str, Value],
        context: Context,
        *,
        in_scope: bool,
    ) -> None:
        self.compiled, self.column = compiled, compiled.column
        self.written = written
        self.source, self.context = source, context
        self.in_scope = in_scope
        self.expression = self._expression()

    def _expression(self) -> Expression | None:
        if self.written is None or self.written.expression is None:
            return None
        try:
            return compile_expression(self.written.expression)
        except ExpressionError:
            return None

    @property
    def redacts(self) -> bool:
        return self.expression is not None and self.expression.redacts

    def mapped(self) -> Mapped:
        flow, outcome, error = self._flow()
        result = self._result()
        kind, rule = self._rule()
        place = self.compiled.place
        return Mapped(
            target=self.column.path,
            kind=kind,
            rule=rule,
            source=Source(file=place.file, line=place.line),
            matching=self.column.matching,
            inputs={name: self._input(name) for name in sorted(self.compiled.reads)},
            steps=self._steps(),
            result=plain(result),
            table=self._table(result),
            value=plain(flow),
            outcome=outcome,
            error=error,
        )

    def _rule(self) -> tuple[Kind, str]:
        written = self.written
        if written is None:
            return "implied", "false for whoever is disabled or leaves, else true"
        if written.expression is not None:
            return "expression", written.expression
        return ("source", f"[{written.source}]") if written.source else ("constant", f'"{written.constant}"')

    def _input(self, name: str) -> Value:
        return REDACTED if self.redacts else plain(self.source.get(name))

    def _flow(self) -> tuple[Flow, Outcome, str]:
        column = self.column
        if self.compiled.broken:
            return UNSET, "failed", "the mapping itself is wrong"
        if not self.in_scope and not column.soft:
            return UNSET, "notNow", ""
        try:
            flow = self.compiled.flow(self.source)
        except (Misfit, ExpressionError) as error:
            return UNSET, "failed", f"{error.message} ({error.hint})" if error.hint else error.message
        if flow is IGNORE_OBJECT:
            return flow, "leftOut", ""
        if is_null(flow) and not is_null(column.default):
            return column.default, "default", ""
        if flow is UNSET:
            return flow, "skipped", ""
        if is_null(flow):
            return flow, "cleared", ""
        return flow, "onCreation" if column.on_create else "flows", ""

    def _result(self) -> Flow:
        """Before `values` and before the target's type."""
        written = self.written
        if written is None:
            return UNSET
        if written.source is not None:
            return self.source.get(written.source)
        if self.expression is None:
            return written.constant
        try:
            return self.expression.evaluate(self.source, self.context)
        except ExpressionError:
            return UNSET

    def _steps(self) -> tuple[Step, ...]:
        """None of what is redacted."""
        if self.expression is None or self.redacts:
            return ()
        steps: list[Traced] = []
        with suppress(ExpressionError, Undrawn):  # what came before is what there is to show
            trace(self.expression.text, self.source, self.context, steps)
        whole = written_again(parse(self.expression.text))  # which is the result, and not a step to it
        return tuple(Step(text=each.text, value=plain(each.value)) for each in steps if each.text != whole)

    def _table(self, result: Flow) -> tuple[str, ...]:
        if self.written is None or self.written.values is None or is_null(result) or isinstance(result, Redacted):
            return ()
        values, otherwise = self.written.values, self.written.otherwise
        told = []
        for each in result if isinstance(result, tuple) else (result,):
            text = as_text(each)
            told.append(f"{text} → {values[text]}" if text in values else f"{text} is not listed: {otherwise}")
        return tuple(told)

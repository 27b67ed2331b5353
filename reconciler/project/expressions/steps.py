"""How an expression comes to its value: each call and each comparison that was really evaluated, innermost first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from reconciler.model.values import Flow, Value
from reconciler.project.expressions.compile import Builder, Condition, Run
from reconciler.project.expressions.context import Context
from reconciler.project.expressions.grammar import parse
from reconciler.project.expressions.tree import Call, Comparison, Concatenation, Literal, Missing, Name, Node, Reading


@dataclass(frozen=True, slots=True)
class Step:
    text: str
    """The call or the comparison, as an expression writes it."""
    value: Flow


def trace(text: str, source: Mapping[str, Value], context: Context, steps: list[Step]) -> None:
    """Evaluates `text` and appends to `steps`. Where it fails, the steps before are there.

    Branches that are not taken have no steps. Raises what Expression.run does.
    """
    _Tracing(steps).build(parse(text))(source, context)


class _Tracing(Builder):
    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self._steps = steps

    def build(self, node: Node) -> Run:
        run = super().build(node)
        if not isinstance(node, (Call, Concatenation)):
            return run
        text = written(node)

        def traced(source: Mapping[str, Value], context: Context) -> Flow:
            value = run(source, context)
            self._steps.append(Step(text, value))
            return value

        return traced

    def _condition(self, node: Node, call: Call) -> Condition:
        condition = super()._condition(node, call)
        if not isinstance(node, Comparison):
            return condition
        text = written(node)

        def traced(source: Mapping[str, Value], context: Context) -> bool:
            holds = condition(source, context)
            self._steps.append(Step(text, holds))
            return holds

        return traced


def written(node: Node) -> str:
    """A node as an expression writes it."""
    match node:
        case Literal(_, str() as text):
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case Literal(_, value):
            return str(value)
        case Missing():
            return ""
        case Reading(_, attribute):
            return f"[{attribute}]"
        case Name(_, name):
            return name
        case Call(_, name, arguments):
            return f"{name}({', '.join(map(written, arguments))})"
        case Comparison(_, sign, left, right):
            return f"{written(left)} {sign} {written(right)}"
        case Concatenation(_, parts):
            return " & ".join(map(written, parts))
        case _:
            assert_never(node)

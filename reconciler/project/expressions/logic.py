"""Functions that decide: what is there, what is equal, what flows."""

from __future__ import annotations

from reconciler.model.clauses import as_text
from reconciler.model.values import UNSET, Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, function, text_of


def truth(value: Value, argument: int = 1) -> bool:
    """A value as a condition: booleans, True and False in any case, numbers other than zero. Null is false."""
    if isinstance(value, bool):
        return value
    if is_null(value):
        return False
    if isinstance(value, (int, float)):
        return value != 0
    text = as_text(value).strip().lower()
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) != 0
    except ValueError:
        raise Unusable(argument, f"is neither true nor false: {value!r}") from None


@function("CBool(expression)", least=1)
def cbool(value: Value) -> Flow:
    return truth(value)


@function("Coalesce(source, …)", least=1)
def coalesce(*values: Value) -> Flow:
    """The first that is not null. An empty text is a text."""
    return next((value for value in values if value is not None and value is not UNSET and value != ()), None)


@function("IsNull(expression)", least=1)
def is_null_alone(value: Value) -> Flow:
    """Null is the absence of a value; an empty text is none."""
    return value is None or value is UNSET or value == ()


function("IsNothing(expression)", least=1)(is_null_alone)  # Visual Basic's word for the same


@function("IsNullOrEmpty(expression)", least=1)
def is_null_or_empty(value: Value) -> Flow:
    return is_null(value)


@function("IsPresent(expression)", least=1)
def is_present(value: Value) -> Flow:
    return not is_null(value)


@function("IsString(expression)", least=1)
def is_string(value: Value) -> Flow:
    return isinstance(value, str)


@function("Not(source)", least=1)
def negate(value: Value) -> Flow:
    """A text, as the service has it: False for True, and True for everything else."""
    return "False" if as_text(value).lower() == "true" else "True"


@function("IgnoreFlowIfNullOrEmpty(expression)", least=1)
def ignore_flow_if_null_or_empty(value: Value) -> Flow:
    return UNSET if is_null(value) else value


@function("Error(message)", least=1)
def error(message: Value) -> Flow:
    """Stops here, and says why."""
    raise Unusable(0, f"says: {text_of(message, 1)}")


@function("Redact(value)", least=1)
def redact(value: Value) -> Flow:
    """The value itself. That the expression has a Redact makes its whole result Redacted."""
    return value


@function("DefaultDomain()", least=0)
def default_domain() -> Flow:
    """A fact of a Microsoft Entra tenant."""
    raise Unusable(0, 'is a fact of a Microsoft Entra tenant, which is not asked here: write the domain as a "text"')

"""Drawing generated values: apply does it, right before it creates."""

from __future__ import annotations

from reconciler.model.values import Generated, Redacted
from reconciler.project.expressions import Context, Random, compile_expression


def draw(generated: Generated, random: Random) -> str:
    """One value of a Generated: its expression once more, now with something to draw from.

    `random` is secrets.SystemRandom() outside of tests. The result is a secret: it belongs into the request and
    nowhere else. Raises ExpressionError only where the expression fails on what was drawn.
    """
    context = Context(now=generated.now, random=random)
    drawn = compile_expression(generated.expression).evaluate(dict(generated.inputs), context)
    return str(drawn.value if isinstance(drawn, Redacted) else drawn)

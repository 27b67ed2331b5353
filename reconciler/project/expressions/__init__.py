"""The expression language of attribute mappings: text → tree → closures. One module a family of functions."""

from reconciler.project.expressions.compile import Expression, compile_expression
from reconciler.project.expressions.context import Context, Random

__all__ = ["Context", "Expression", "Random", "compile_expression"]

"""The expression language of attribute mappings: text → tree → closures. One module a family of functions."""

from reconciler.project.expressions.compile import Expression, compile_expression

__all__ = ["Expression", "compile_expression"]

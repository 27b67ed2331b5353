"""From files to what an application should hold: scope, effective membership, mappings, expressions. Pure."""

from reconciler.project.cases import CaseResult, Mismatch, run_case
from reconciler.project.expressions import Expression, compile_expression
from reconciler.project.projection import effective, project

__all__ = ["CaseResult", "Expression", "Mismatch", "compile_expression", "effective", "project", "run_case"]

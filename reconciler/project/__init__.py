"""From files to what an application should hold: scope, effective membership, mappings, expressions. Pure."""

from reconciler.project.cases import CaseResult, Mismatch, run_case
from reconciler.project.draw import draw
from reconciler.project.expiry import emptied
from reconciler.project.expressions import Context, Expression, compile_expression
from reconciler.project.expressions.dates import parse_time
from reconciler.project.leaver import Leaver, leaver
from reconciler.project.projection import effective, project
from reconciler.project.touched import dated, touched

__all__ = [
    "CaseResult",
    "Context",
    "Expression",
    "Leaver",
    "Mismatch",
    "compile_expression",
    "dated",
    "draw",
    "effective",
    "emptied",
    "leaver",
    "parse_time",
    "project",
    "run_case",
    "touched",
]

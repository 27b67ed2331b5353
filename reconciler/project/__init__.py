"""From files to what an application should hold: scope, effective membership, mappings, expressions. Pure."""

from reconciler.project.cases import CaseResult, Mismatch, run_case
from reconciler.project.draw import draw
from reconciler.project.expiry import emptied
from reconciler.project.expressions import Context, Expression, compile_expression
from reconciler.project.expressions.dates import parse_time
from reconciler.project.grants import Granting, grants_of_app, grants_of_group
from reconciler.project.leaver import Leaver, leaver
from reconciler.project.projection import effective, project
from reconciler.project.touched import dated, touched
from reconciler.project.widened import Side, widened

__all__ = [
    "CaseResult",
    "Context",
    "Expression",
    "Granting",
    "Leaver",
    "Mismatch",
    "Side",
    "compile_expression",
    "dated",
    "draw",
    "effective",
    "emptied",
    "grants_of_app",
    "grants_of_group",
    "leaver",
    "parse_time",
    "project",
    "run_case",
    "touched",
    "widened",
]

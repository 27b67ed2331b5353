"""Plans and outcomes for people to read, and for the forges they read them on. JSON is the plan document itself."""

from reconciler.render.annotations import Annotation, worst
from reconciler.render.annotations import remarks as annotations
from reconciler.render.annotations import remarks_of as problem_annotations
from reconciler.render.approval import approval
from reconciler.render.bodies import Report, bodies
from reconciler.render.figures import Figures
from reconciler.render.markdown import LIMIT, SUMMARY, markdown
from reconciler.render.page import page
from reconciler.render.reports import code_quality, sarif, widget, workflow_commands
from reconciler.render.review import figures_of
from reconciler.render.revocation import InApp, revocation
from reconciler.render.safe import safe
from reconciler.render.style import Style
from reconciler.render.summary import Failure, summary
from reconciler.render.text import text
from reconciler.render.undoing import undoing

__all__ = [
    "LIMIT",
    "SUMMARY",
    "Annotation",
    "Failure",
    "Figures",
    "InApp",
    "Report",
    "Style",
    "annotations",
    "approval",
    "bodies",
    "code_quality",
    "figures_of",
    "markdown",
    "page",
    "problem_annotations",
    "revocation",
    "safe",
    "sarif",
    "summary",
    "text",
    "undoing",
    "widget",
    "workflow_commands",
    "worst",
]

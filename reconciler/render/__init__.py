"""Plans and outcomes for people to read. JSON is the plan document itself."""

from reconciler.render.approval import approval
from reconciler.render.revocation import InApp, revocation
from reconciler.render.safe import safe
from reconciler.render.style import Style
from reconciler.render.summary import Failure, summary
from reconciler.render.text import text
from reconciler.render.undoing import undoing

__all__ = ["Failure", "InApp", "Style", "approval", "revocation", "safe", "summary", "text", "undoing"]

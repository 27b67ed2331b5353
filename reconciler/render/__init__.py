"""Plans and outcomes for people to read. JSON is the plan document itself."""

from reconciler.render.revocation import InApp, revocation
from reconciler.render.safe import safe
from reconciler.render.style import Style
from reconciler.render.summary import Failure, summary
from reconciler.render.text import text

__all__ = ["Failure", "InApp", "Style", "revocation", "safe", "summary", "text"]

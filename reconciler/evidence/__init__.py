"""Evidence: who had access to what, since when and by whose decision; and whether it was taken away in time."""

from reconciler.evidence.answer import answered, between, leavers_since
from reconciler.evidence.past import Past

__all__ = ["Past", "answered", "between", "leavers_since"]

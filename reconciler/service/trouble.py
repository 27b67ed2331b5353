"""What went wrong in a cycle, in the words of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import DesiredStateError, ReconcilerError
from reconciler.model.history import Trouble

if TYPE_CHECKING:
    from reconciler.service.checkout import Files

REFUSED: Final = "filesRefused"
NOT_PULLED: Final = "notPulled"


def trouble_of(error: ReconcilerError) -> Trouble:
    """Of one error: its verdict if it has one, else its class."""
    verdict = getattr(error, "verdict", None)
    category = str(verdict) if verdict is not None else type(error).__name__
    return Trouble(category, sentence_of(error), error.hint)


def of_files(used: Files) -> Trouble | None:
    """Of a cycle that was done all the same, with older files."""
    if used.refused is not None:
        at = used.commit[:12] if used.commit else "before"
        return Trouble(REFUSED, f"not used, the files of {at} are: {sentence_of(used.refused)}", used.refused.hint)
    if used.not_pulled is not None:
        return Trouble(NOT_PULLED, sentence_of(used.not_pulled), used.not_pulled.hint)
    return None


def sentence_of(error: ReconcilerError) -> str:
    """On one line: of many problems the number and the first."""
    if isinstance(error, DesiredStateError):
        first = next((each for each in error.problems if each.severity == "error"), None)
        return f"{error.message}; the first: {first.place}: {first.message}" if first else error.message
    return f"{error.place}: {error.message}" if error.place else error.message

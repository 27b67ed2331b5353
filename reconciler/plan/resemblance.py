"""Whether two people look the same. Names are hints for questions and warnings, never a reason to act."""

from __future__ import annotations

import unicodedata
from collections import Counter

from reconciler.model.plan import CreateUser, Note
from reconciler.model.values import Value, is_null
from reconciler.plan.context import Context


def differs(ours: Value, theirs: Value) -> bool:
    """A missing name does not differ."""
    return not is_null(ours) and not is_null(theirs) and bare(ours) != bare(theirs)


def bare(text: Value) -> str:
    """Without case, accents and outer blanks."""
    decomposed = unicodedata.normalize("NFKD", str(text))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().strip()


def looks_alike(context: Context) -> list[Note]:
    """Somebody goes and somebody comes who looks the same: it may be one person with a new id."""
    created = [change for change in context.changes if isinstance(change, CreateUser)]
    if not created or not context.gone:
        return []
    crowd = Counter(user.file for user in context.desired.directory)
    comers = {c.source.file: c for c in created if c.source is not None and crowd[c.source.file] == 1}
    comers |= {bare(change.name): change for change in created}
    notes = []
    for at, key in context.gone.items():
        name = context.remembered(key) or context.account_name(at)
        binding = context.binding(key)
        twin = comers.get(bare(name)) or comers.get(binding.get("file", "") if binding is not None else "")
        if twin is not None and at in context.leaving:
            text = (
                f"{key} goes and {twin.key} comes, who looks the same: one person? then `formerly: [{{id: {key[5:]}}}]`"
            )
            notes.append(Note(code="looksLikeRename", key=twin.key, id=context.snapshot.accounts[at].id, text=text))
    return notes

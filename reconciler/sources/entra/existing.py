"""A schema for an app that is described already: its mappings are merged, and who gets in is not touched."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.app import App, Clause, Condition
from reconciler.model.profile import Profile
from reconciler.sources.draft import Draft
from reconciler.sources.entra.conversion import Converted
from reconciler.sources.entra.document import Kind
from reconciler.sources.entra.merge import merge
from reconciler.sources.entra.written import FILTERS, refused
from reconciler.sources.text import flow


def draft_into(
    found: Converted, app: App, profile: Profile, text: str | None, *, update: bool, prune: bool, modelines: bool
) -> Draft:
    """`profile`: of the app, corrected. `text`: its mappings.yaml; None if it has none.

    Raises ReconcilerError if that file can't be edited without touching what was not meant.
    """
    overlays = [each for each in (found.users, found.groups) if each is not None]
    file = f"apps/{app.name}/mappings.yaml"
    merged = merge(text or "", file, overlays, profile.mappings, update=update, prune=prune)
    after = merged.text
    if after and text is None and modelines:
        after = f"# yaml-language-server: $schema=../../.schemas/mappings.json\n{after}"
    return Draft(
        apps={app.name: {"mappings.yaml": after}} if after and after != text else {},
        complete=False,
        refused=list(refused(found)),
        notes=[*found.notes, *merged.done, *merged.kept, *_otherwise(found, app)],
    )


def _otherwise(found: Converted, app: App) -> Iterator[str]:
    """What the schema says of scope and switches and app.yaml does not: a person decides about that."""
    file = f"apps/{app.name}/app.yaml"
    has: dict[Kind, tuple[tuple[Condition, ...], ...]] = {"users": app.scope.filters, "groups": app.scope.group_filters}
    for kind, filters in found.filters.items():
        if frozenset(map(frozenset, filters.filters)) == frozenset(map(frozenset, has[kind])):
            continue
        wanted = flow([[_plain(clause) for clause in clauses] for clauses in filters.filters])
        yield f"{file}: `scope.{FILTERS[kind]}` stays as it is; Entra's schema says {wanted}"
    written = app.model_dump(mode="json", by_alias=True)
    for key, wanted_setting in found.settings.items():
        if not _says(written.get(key), wanted_setting):
            yield f"{file}: `{key}` stays as it is; Entra's schema says {flow(wanted_setting)}: {found.reasons[key]}"


def _plain(clause: Clause) -> dict[str, object]:
    return clause.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _says(written: object, wanted: object) -> bool:
    """Whether everything that is wanted is written."""
    if isinstance(wanted, dict):
        return isinstance(written, dict) and all(_says(written.get(key), value) for key, value in wanted.items())
    return written == wanted

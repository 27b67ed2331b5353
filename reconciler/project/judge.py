"""Whether one mapping can be used, before it stands in any file: what `validate` would say of it."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.app import App
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mapping, Mappings
from reconciler.model.profile import Profile
from reconciler.project.findings import Findings
from reconciler.project.groups import split_members
from reconciler.project.mapping import Kind, compile_mapping
from reconciler.project.sources import GROUP_SOURCES, user_sources


@dataclass(frozen=True, slots=True)
class Judge:
    """Of the mappings of an application with this profile, reading the people of this directory."""

    profile: Profile
    directory: Directory

    def __call__(self, kind: Kind, mapping: Mapping) -> tuple[str, str] | None:
        """The first thing that is wrong with it, as message and hint; None if it can be used."""
        mappings = Mappings(users=(mapping,)) if kind == "users" else Mappings(groups=(mapping,))
        findings = Findings(_app(mappings), self.profile, None)
        if kind == "users":
            compile_mapping(mapping, kind, self.profile, user_sources(self.directory), findings)
        else:
            for each in split_members((mapping,), findings)[0]:
                compile_mapping(each, kind, self.profile, GROUP_SOURCES, findings)
        return next(((each.message, each.hint) for each in findings.problems if each.severity == "error"), None)


def _app(mappings: Mappings) -> App:
    return App.model_validate({
        "name": "new", "mappings": mappings, "tenantUrl": "https://new.invalid", "scope": {"assigned": {}},
        "unmanaged": {"users": "report"},
    })  # fmt: skip

"""Whether a server describes itself (RFC 7644 section 4), and how well."""

from __future__ import annotations

from typing import Any, Final

from reconciler.live.probe.ask import Ask, Said
from reconciler.live.probe.report import Report
from reconciler.model.path import member

_ABSENT: Final = frozenset({400, 403, 404, 405, 500, 501})


async def look_at_discovery(ask: Ask, report: Report) -> dict[str, Any]:
    """What the server says of itself; empty if nothing."""
    told = report.profile.discovery
    configuration = await _first(ask, told.service_provider_config, "/ServiceProviderConfig", "/ServiceProviderConfigs")
    where, said = configuration
    body = said.body if said.ok and isinstance(said.body, dict) else {}
    if body:
        broken = not any(isinstance(member(body, name), dict) for name in ("patch", "filter", "bulk"))
        report.note(f"{where} is there, without what RFC 7643 section 5 asks for") if broken else report.good(
            f"{where} is there: {_claims(body)}"
        )
        report.seen("discovery.serviceProviderConfig", where, f"{where} answers")
    else:
        _missing(report, "discovery.serviceProviderConfig", where, said)
    for key, path, given in (
        ("discovery.resourceTypes", "/ResourceTypes", told.resource_types),
        ("discovery.schemas", "/Schemas", told.schemas),
    ):
        where, said = await _first(ask, given, path)
        if said.ok:
            _look_at_list(report, key, where, said)
        else:
            _missing(report, key, where, said)
    return body


async def _first(ask: Ask, *paths: str | None) -> tuple[str, Said]:
    """The first path that answers with JSON, else the first one's refusal."""
    refused: tuple[str, Said] | None = None
    for path in dict.fromkeys(path for path in paths if path):
        said = await ask.get(path)
        if said.ok and said.body is not None:
            return path, said
        refused = refused or (path, said)
    assert refused is not None
    return refused


def _look_at_list(report: Report, key: str, where: str, said: Said) -> None:
    body = said.body
    rows = body if isinstance(body, list) else member(body, "Resources") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        report.note(f"{where} answers, but not with a list: what it says is not used")
    elif isinstance(body, list):
        report.note(f"{where} answers with a bare list instead of a ListResponse: {len(rows)} entries")
    elif not rows:
        report.note(f"{where} is an empty list")
    else:
        report.good(f"{where} is there: {len(rows)} entries")
    report.seen(key, where, f"{where} answers")


def _missing(report: Report, key: str, where: str, said: Said) -> None:
    report.note(f"there is no {where} ({said.short or 'an empty answer'})")
    if said.status in _ABSENT:
        report.seen(key, None, f"{where} answers {said.status}")


def _claims(body: dict[str, Any]) -> str:
    """`patch, filter, etag; not bulk, sort`, as the server says it."""
    yes: list[str] = []
    no: list[str] = []
    for name in ("patch", "bulk", "filter", "sort", "etag"):
        entry = member(body, name)
        if isinstance(entry, dict):
            (yes if claims(body, name) else no).append(name)
    return "; not ".join(part for part in (", ".join(yes) or "nothing", ", ".join(no)) if part)


def claims(body: dict[str, Any], name: str) -> bool:
    """Whether the configuration says `supported` of something; text counts too."""
    entry = member(body, name)
    return isinstance(entry, dict) and str(member(entry, "supported")).lower() == "true"

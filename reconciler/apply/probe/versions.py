"""Whether meta.version can be relied on (RFC 7644 section 3.14)."""

from __future__ import annotations

from reconciler.apply.probe.people import People
from reconciler.apply.probe.samples import single
from reconciler.apply.probe.yard import Made
from reconciler.live.probe.resources import version


async def look_at_versions(people: People, made: Made) -> None:
    """Whether meta.version moves exactly when the account does, and an old one is refused."""
    texts = single(people.kept)
    if people.form is None or not texts:
        return
    first = await _version(people, made)
    if first is None:
        people.report.seen("versions", False, "resources have no version")
        return
    form = people.form
    wanted = {texts[0]: "Reconciler Probe, versioned"}
    await people.forms.write(form, made, wanted)
    second = await _version(people, made)
    await people.forms.write(form, made, wanted)
    third = await _version(people, made)
    stale = await people.forms.write(form, made, {texts[0]: "Reconciler Probe, stale"}, {"if-match": first})
    fresh = await people.forms.write(
        form, made, {texts[0]: "Reconciler Probe"}, {"if-match": await _version(people, made) or first}
    )
    faults = [
        (second == first, "meta.version stays the same when the account changes"),
        (third != second, "meta.version moves on a write that changes nothing"),
        (stale.ok, "If-Match with an old version is not looked at"),
        (not stale.ok and stale.status != 412, f"If-Match with an old version is answered with {stale.status}"),
        (not fresh.ok, f"If-Match with the current version is refused ({fresh.short})"),
    ]
    wrong = [what for is_so, what in faults if is_so]
    for what in wrong:
        people.report.note(what)
    if not wrong:
        people.report.good("versions can be relied on: If-Match with an old one is refused with 412")
    people.report.seen("versions", not wrong, wrong[0] if wrong else "an old version is refused with 412")


async def _version(people: People, made: Made) -> str | None:
    return version(await people.yard.ask.send("GET", people.yard.where(made)))

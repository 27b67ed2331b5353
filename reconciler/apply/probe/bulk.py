"""Whether POST /Bulk does what a server claims (RFC 7644 section 3.7): an account, and a group that refers to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from reconciler.apply.probe.people import People
from reconciler.apply.probe.samples import GROUP, account
from reconciler.apply.probe.yard import Yard
from reconciler.live.probe.ask import BUSY, Row, member_ids, number
from reconciler.live.probe.discovery import claims
from reconciler.model.path import member

_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


async def look_at_bulk(yard: Yard, people: People) -> None:
    """Asked only of a server that says it can, or of which the profile says so."""
    report, profile = yard.report, yard.profile
    path = profile.discovery.service_provider_config
    said = await yard.ask.send("GET", path) if path else None
    told: dict[str, Any] = said.body if said is not None and said.ok and isinstance(said.body, dict) else {}
    if not claims(told, "bulk") and profile.bulk is None:
        report.note("no Bulk: the server does not say that it has it")
        return
    yard.tried = True
    answer = await yard.ask.send("POST", "/Bulk", body=_request(yard, people))
    for place in _places(answer.body):
        await yard.take("group" if f"{yard.endpoint('group')}/" in place else "user", unquote(place.rpartition("/")[2]))
    user = await yard.again("user", yard.names.user("c"))
    group = await yard.again("group", yard.names.group(too=True))
    if user is not None and group is not None and str(user["id"]) in member_ids(group):
        report.good("Bulk works, with references from one operation to another")
        entry = member(told, "bulk") or {}
        limits = {
            "operations": number(member(entry, "maxOperations")),
            "bytes": number(member(entry, "maxPayloadSize")),
        }
        report.seen(("bulk",), {name: value for name, value in limits.items() if value}, "Bulk was seen to work")
        return
    if answer.status in BUSY or not answer.status:
        report.note(f"whether Bulk works is unknown ({answer.short})")
        return
    why = f"answered with {answer.status}, and not done" if answer.ok else f"refused ({answer.short})"
    report.bad(f"Bulk with references between operations is {why}")
    report.seen(("bulk",), None, f"Bulk is {why}")


def _places(body: Any) -> list[str]:
    """Where the answer says that things were made."""
    operations = member(body, "Operations") if isinstance(body, dict) else None
    places = [member(each, "location") for each in operations or () if isinstance(each, dict)]
    return [place for place in places if isinstance(place, str)]


def _request(yard: Yard, people: People) -> Row:
    user = account(people.values("c", only=people.required), primary=people.primary)
    group = {"schemas": [GROUP], "displayName": yard.names.group(too=True), "members": [{"value": "bulkId:user"}]}
    return {
        "schemas": [_REQUEST],
        "Operations": [
            {"method": "POST", "path": yard.endpoint("user"), "bulkId": "user", "data": user},
            {"method": "POST", "path": yard.endpoint("group"), "bulkId": "group", "data": group},
        ],
    }

"""Plans that every form of a report has to master."""

from __future__ import annotations

from typing import Any

from reconciler.model.plan import (
    AddMembers,
    CreateUser,
    DeactivateUser,
    Difference,
    Later,
    Note,
    Origin,
    Plan,
    Reason,
    RemoveMembers,
    RenameUser,
    Soon,
    UpdateUser,
)
from tests.render.conftest import Make as m


def one() -> Plan:
    return compared(
        m.plan(
            UpdateUser(key="user:grace.hopper", id="1", name="Grace Hopper", origin=Origin.THIS_CHANGE,
                       set={"displayName": Difference(before="Grace Hopper", after="Rear Admiral Hopper")},
                       source=m.source("users/grace.hopper.yaml", 6))
        )
    )  # fmt: skip


def compared(plan: Plan) -> Plan:
    """With a base; what has no origin yet is of this change."""
    desired = plan.desired.model_copy(update={"base": "0123456789abcdef"})
    return plan.model_copy(update={"desired": desired, "changes_digest": "sha256:00c0ffee"})


def pull_request(typical: Plan) -> Plan:
    """Something of every part, of every origin."""
    origins = (Origin.THIS_CHANGE, Origin.PENDING, Origin.THIS_CHANGE, Origin.CLOCK)
    changes = tuple(
        c if c.origin is Origin.DRIFT else c.model_copy(update={"origin": origins[n % 4]})
        for n, c in enumerate(typical.changes)
    )
    first = AddMembers(key="group:admins", id="79", name="Admins", sensitive=True, origin=Origin.THIS_CHANGE,
                       members=(m.member("ada.lovelace"),), source=m.source("groups/admins.yaml", 4))  # fmt: skip
    later = (
        Later(what="gain", key="user:ada.lovelace", name="Ada", group="group:social", group_name="Social Media",
              from_="2027-01-01", until="2027-06-30", reason="spring campaign",
              source=m.source("groups/social.yaml", 9)),
        Later(what="endRemoved", key="user:linus.byrne", name="Linus", group="group:crisis", group_name="Crisis Team",
              before="2026-12-31"),
        Later(what="endLater", key="group:agencies", name="Agencies", until="2027-12-31", before="2026-12-31"),
        Later(what="startEarlier", key="user:rosa.klein", name="Rosa", from_="2026-12-01", before="2027-03-01"),
        Later(what="gain", key="user:eve.stone", name="Eve", group="group:admins", group_name="Admins",
              from_="2027-02-01", sensitive=True),
    )  # fmt: skip
    soon = (
        Soon(key="user:linus.byrne", name="Linus Byrne", group="group:social-media", group_name="Social Media",
             until="2026-11-30", reason="cover", source=m.source("groups/social-media.yaml", 6)),
    )  # fmt: skip
    notes = (
        Note(code="guardrailLoosened", key="hootsuite", text="deprovisionUsers: 20 becomes 400"),
        Note(code="snapshotAge", key="hootsuite", text="the application as it was read 42 minutes ago"),
    )
    update = {"changes": (first, *changes), "later": later, "soon": soon, "notes": (*typical.notes, *notes)}
    return compared(typical.model_copy(update=update))


def large() -> Plan:
    """10,000 changes: leavers, joiners of nine groups, one mapping that changes 3,989 people, and one rename."""

    def joins(k: int) -> tuple[Any, ...]:
        return tuple(m.member(f"new{n}") for n in range(3_000) if (n * 7 + k) % 11 < 3)

    gone = DeactivateUser(key="user:p", id="p", name="P", origin=Origin.THIS_CHANGE, reasons=(Reason.LEFT_SCOPE,))
    new = CreateUser(key="user:n", name="N", origin=Origin.THIS_CHANGE)
    moved = UpdateUser(key="user:u", id="u", name="U", origin=Origin.THIS_CHANGE,
                       set={"timezone": Difference(before="GMT", after="Europe/London")})  # fmt: skip
    return compared(
        m.plan(
            *(gone.model_copy(update={"key": f"user:p{n:05}", "id": f"{n}", "groups": (f"Team {n % 7}",),
                                      "source": m.source(f"users/p{n:05}.yaml")}) for n in range(3_000)),
            *(new.model_copy(update={"key": f"user:new{n}", "set": {
                "userName": Difference(after=f"new{n}@contoso.com"), "department": Difference(after=f"Dept {n % 4}"),
            }}) for n in range(3_000)),
            *(moved.model_copy(update={"key": f"user:u{n}", "id": f"u{n}"}) for n in range(3_990)),
            *(AddMembers(key=f"group:g{k}", id=f"{k}", name=f"Group {k}", members=joins(k), origin=Origin.THIS_CHANGE)
              for k in range(9)),
            RenameUser(key="user:grace", id="g", name="Grace", origin=Origin.THIS_CHANGE,
                       set={"userName": Difference(before="a@contoso.com", after="b@contoso.com")}),
        )
    )  # fmt: skip


def scattered() -> Plan:
    """10,000 who lose something, no two of them the same: nothing can be gathered."""
    lose = RemoveMembers(key="group:g", id="1", name="G", origin=Origin.THIS_CHANGE)
    return compared(
        m.plan(
            *(
                lose.model_copy(update={"key": f"group:g{n}", "name": f"久保 {n}", "members": (m.member(f"p{n}"),)})
                for n in range(10_000)
            )
        )
    )

"""Plans to render, written down in a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.plan import (
    AddMembers,
    AdoptGroup,
    AdoptUser,
    Blocked,
    Budget,
    Candidate,
    CreateGroup,
    CreateUser,
    DeactivateUser,
    DeleteGroup,
    DeleteUser,
    DesiredFacts,
    Difference,
    EmptyGroup,
    Guardrail,
    Held,
    LiveFacts,
    MemberRef,
    Note,
    Origin,
    Plan,
    ProfileFacts,
    ReactivateUser,
    Reason,
    RemoveMembers,
    RenameGroup,
    RenameUser,
    Source,
    UpdateUser,
)  # fmt: skip

GOLDEN = Path(__file__).parent.parent / "data" / "golden"


class Make:
    """The parts of plans."""

    @staticmethod
    def plan(*changes: Any, **keys: Any) -> Plan:
        given: dict[str, Any] = {
            "tool_version": "1.0.0",
            "app": "hootsuite",
            "tenant_url": "https://platform.hootsuite.com/scim/v2",
            "as_of": "2026-11-23T17:00:00Z",
            "desired": DesiredFacts(commit="4f2c1e7aa0", digest="sha256:0", users=412, groups=9),
            "live": LiveFacts(digest="sha256:0", users=415, groups=9, read_at="2026-11-23T17:00:00Z"),
            "profile": ProfileFacts(name="hootsuite", verified="2026-10-01"),
            "budget": Budget(requests=len(changes)),
            "changes": changes,
            **keys,
        }
        return Plan(**given)

    @staticmethod
    def source(file: str, line: int = 1) -> Source:
        return Source(file=file, line=line)

    @staticmethod
    def member(name: str, *via: str) -> MemberRef:
        return MemberRef(key=f"user:{name}", id="9", name=name.title(), via=via)

    @staticmethod
    def held(by: str, release: str) -> tuple[Held, ...]:
        return (Held(by=by, release=release),)


def _set(**pairs: tuple[Any, Any]) -> dict[str, Difference]:
    return {path: Difference(before=before, after=after) for path, (before, after) in pairs.items()}


@pytest.fixture
def make() -> type[Make]:
    return Make


@pytest.fixture
def typical() -> Plan:
    """Something of everything."""
    m = Make
    return m.plan(
        DeactivateUser(key="user:mallory.quick", id="1", name="Mallory Quick", reasons=(Reason.LEFT_SCOPE,),
                       set=_set(active=(True, False)), groups=("Crisis Team", "Social Media"),
                       source=m.source("groups/social-media.yaml", 7)),
        DeactivateUser(key="user:oscar.lund", id="2", name="Oscar Lund",
                       reasons=(Reason.GONE_FROM_GIT, Reason.REPLACES_DELETE), set=_set(active=(True, False))),
        DeleteUser(key="account:77", id="77", name="Old Account", reasons=(Reason.UNMANAGED,)),
        CreateUser(key="user:ada.lovelace", name="Ada Lovelace", reasons=(Reason.NEW_IN_SCOPE,),
                   set=_set(userName=(None, "ada@contoso.com")), source=m.source("users/ada.lovelace.yaml")),
        ReactivateUser(key="user:eve.stone", id="3", name="Eve Stone", reasons=(Reason.BACK_IN_SCOPE,),
                       set=_set(active=(False, True), title=("", "Editor")), source=m.source("users/eve.stone.yaml")),
        ReactivateUser(key="user:tom.baker", id="4", name="Tom Baker", origin=Origin.DRIFT,
                       reasons=(Reason.BACK_IN_SCOPE,), set=_set(active=(False, True)),
                       held=m.held("takenAwayInApp", "takenAwayInApp:user:tom.baker")),
        AdoptUser(key="user:grace.hopper", id="5", name="Grace Hopper", reasons=(Reason.FOUND,),
                  set=_set(displayName=("Grace Hopper", "Rear Admiral Hopper")),
                  source=m.source("users/grace.hopper.yaml", 6)),
        AdoptUser(key="user:lee.chang", name="Lee Chang", reasons=(Reason.FOUND,),
                  held=m.held("whoIsThis", "whoIsThis:user:lee.chang"),
                  candidates=(Candidate(id="8", name="lee@contoso.com", active=False),
                              Candidate(id="9", name="lchang@contoso.com", active=True, bound="user:li.chang"))),
        RenameUser(key="user:ines.moreau", id="6", name="Ines Moreau", reasons=(Reason.MATCHING_DIFFERS,),
                   set=_set(userName=("ines.b@contoso.com", "ines@contoso.com")),
                   source=m.source("users/ines.moreau.yaml", 2)),
        UpdateUser(key="user:久保.健", id="7", name="久保 健", origin=Origin.DRIFT, reasons=(Reason.ATTRIBUTE_DIFFERS,),
                   set=_set(displayName=("Kubo", "久保 健")), source=m.source("users/kubo.yaml", 4)),
        CreateGroup(key="group:campaigns", name="Campaigns", reasons=(Reason.NEW_IN_SCOPE,),
                    set=_set(displayName=(None, "Campaigns")), source=m.source("groups/campaigns.yaml")),
        RenameGroup(key="group:care", id="71", name="Customer Care", reasons=(Reason.MATCHING_DIFFERS,),
                    set=_set(displayName=("Care", "Customer Care")), source=m.source("groups/care.yaml", 2)),
        AdoptGroup(key="group:press", id="72", name="Press", reasons=(Reason.FOUND,),
                   candidates=(Candidate(id="72", name="Press", active=True, bound="group:media"),),
                   held=m.held("whoIsThis", "whoIsThis:group:press")),
        AddMembers(key="group:social-media", id="70", name="Social Media", reasons=(Reason.MEMBER_ADDED,),
                   members=(m.member("ada.lovelace"), m.member("linus.byrne", "agencies")),
                   source=m.source("groups/social-media.yaml", 5)),
        AddMembers(key="group:campaigns", name="Campaigns", reasons=(Reason.MEMBER_ADDED,),
                   members=(m.member("ada.lovelace"),)),
        AddMembers(key="group:social-media", id="70", name="Social Media", origin=Origin.DRIFT,
                   reasons=(Reason.MEMBER_ADDED,), members=(m.member("rosa.klein"),),
                   held=m.held("takenAwayInApp", "takenAwayInApp:user:rosa.klein")),
        RemoveMembers(key="group:social-media", id="70", name="Social Media", reasons=(Reason.MEMBER_LEAVES,),
                      members=(m.member("mallory.quick"),)),
        RemoveMembers(key="group:crisis", id="73", name="Crisis Team", origin=Origin.DRIFT,
                      reasons=(Reason.MEMBER_REMOVED,), members=(m.member("ruth.abara"),)),
        RemoveMembers(key="group:editors", id="74", name="Editors", reasons=(Reason.MEMBER_REMOVED,),
                      members=(m.member("a"), m.member("b"), m.member("c")),
                      held=m.held("guardrail:removeMembers:editors", "removeMembers:editors=3")),
        EmptyGroup(key="group:old", id="75", name="Old", reasons=(Reason.GONE_FROM_GIT, Reason.REPLACES_DELETE),
                   members=(m.member("x"), m.member("y"))),
        DeleteGroup(key="group:gone", id="76", name="Gone", reasons=(Reason.LEFT_SCOPE,)),
        guardrails=(
            Guardrail(name="deprovisionUsers", value=3, count=20, percent=10, of=412, broken=False),
            Guardrail(name="removeMembers:editors", value=3, percent=50, of=5, broken=True),
        ),
        blocked=(
            Blocked(key="group:old", id="75", name="Old", wanted="deleteGroup", reason="appCannot",
                    text="Hootsuite has no way to delete a team over SCIM"),
            *(Blocked(key=f"user:vip{n}", id=f"8{n}", name="VIP", wanted="deactivateUser", reason="protected",
                      text="protected: it is never removed") for n in range(10)),
        ),
        notes=(
            Note(code="adopted", key="user:grace.hopper", id="5", text="grace@contoso.com was there before us"),
            Note(code="heldCandidate", key="user:lee.chang", text="several fit"),
            Note(code="heldCandidate", key="group:press", id="72", text="it is bound to group:media"),
            Note(code="notKept", key="user:eve.stone", text="Hootsuite does not keep timezone"),
            Note(code="unmanagedUser", key="account:99", id="99", text="stranger@contoso.com"),
        ),
    )  # fmt: skip


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Any:
    """golden(name, text): equal to the file; `REWRITE_GOLDEN=1` writes it instead, for a reviewer to read."""
    import os

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("REWRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare

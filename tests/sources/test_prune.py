"""What a source no longer has goes only with `prune`, with every reference; never somebody whom an app may need."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.desired import load
from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Refused
from tests.sources.drafts import draft, files, folder, person, taken_over, told, untidy

APP = """\
gallery: scim
tenantUrl: https://scim.contoso.com/v2
auth:
  bearer: {env: TOKEN}
scope:
  assigned:
    groups:
      - team  # ours
      - {group: old, roles: [Editor]}
    users: [ada, linus]
    exclude: [grace]
unmanaged:
  users: report
"""


def company(root: Path, app: str = APP, **more: str) -> Path:
    return folder(
        root,
        users__ada="# hers\nuserPrincipalName: ada@contoso.com\nmanager: linus  # until he left\ndepartment: Sales\n",
        users__grace="userPrincipalName: grace@contoso.com\n",
        users__some="# contractors\n- id: linus\n  userPrincipalName: linus@contoso.com\n\n# stays\n- id: zoe\n"
        "  userPrincipalName: zoe@contoso.com\n",
        groups__team="displayName: Team\nmembers:\n  - ada\n  # he left\n  - linus\n  - group: old\n",
        groups__old="displayName: Old\nmembers: [linus]\n",
        apps__x__app=app,
        **more,
    )


def without_linus(*, complete: bool = True) -> Draft:
    return draft(
        {each: person(each) for each in ("ada", "grace", "zoe")},
        {"team": {"displayName": "Team", "members": ["ada"]}},
        complete=complete,
    )


def test_nothing_goes_without_prune(tmp_path: Path) -> None:
    root = company(tmp_path)
    adoption = adopt(root, without_linus())
    assert "-" not in {line.sign for line in adoption.lines}
    assert told(adoption, "=") == ["= member:team linus", "= member:team group:old"]


def test_people_and_groups_go_with_every_reference(tmp_path: Path) -> None:
    root = company(tmp_path)
    found = without_linus()
    adoption = taken_over(root, found, prune=True)
    assert told(adoption, "-") == [
        "- member:team linus", "- member:team group:old", "- user:linus", "- group:old",
    ]  # fmt: skip
    after = files(root)
    assert "groups/old.yaml" not in after
    assert after["users/ada.yaml"] == (
        "# hers\nuserPrincipalName: ada@contoso.com\ndisplayName: Ada\ndepartment: Sales\n"
    )
    assert after["users/some.yaml"] == (
        "# contractors\n\n# stays\n- id: zoe\n  userPrincipalName: zoe@contoso.com\n  displayName: Zoe\n"
    )
    assert after["groups/team.yaml"] == "displayName: Team\nmembers:\n  - ada\n  # he left\n"
    assert after["apps/x/app.yaml"] == APP.replace("      - {group: old, roles: [Editor]}\n", "").replace(
        "[ada, linus]", "[ada]"
    )
    assert not load(root).warnings
    assert untidy(root) == []


def test_a_file_goes_with_its_last_record_and_a_list_of_members_can_be_empty(tmp_path: Path) -> None:
    root = folder(
        tmp_path,
        users__ada="userPrincipalName: ada@contoso.com\n",
        users__some="- id: linus\n  userPrincipalName: linus@contoso.com\n",
        groups__team="displayName: Team\nmembers:\n  - linus  # he left\n",
    )
    found = draft({"ada": person("ada")}, {"team": {"displayName": "Team", "members": []}})
    taken_over(root, found, prune=True)
    assert "users/some.yaml" not in files(root)
    assert load(root).directory.groups["team"].members == ()  # type: ignore[index]


def test_people_stay_where_another_app_may_need_them(tmp_path: Path) -> None:
    root = company(tmp_path)
    found = without_linus()
    found.assigned = {"other": {"groups": ["team"]}}
    adoption = taken_over(root, found, prune=True)
    assert told(adoption, "-") == ["- member:team linus", "- member:team group:old"]
    assert "2 people and groups that the source has not stay: other apps may need them: x" in adoption.notes


def test_a_part_removes_memberships_alone(tmp_path: Path) -> None:
    root = company(tmp_path)
    adoption = taken_over(root, without_linus(complete=False), prune=True)
    assert told(adoption, "-") == ["- member:team linus", "- member:team group:old"]
    assert adoption.notes == ["2 people and groups that the source has not stay: the source told only a part"]


def test_a_part_of_which_something_was_refused_removes_nothing(tmp_path: Path) -> None:
    root = company(tmp_path)
    found = without_linus(complete=False)
    found.refused.append(Refused("row 3", "has no id"))
    adoption = taken_over(root, found, prune=True)
    assert told(adoption, "-") == []
    assert adoption.notes == ["nothing is removed: any of the refused may be who seems to be gone"]
    assert "= member:team linus" in told(adoption, "=")


def test_services_and_shared_accounts_stay(tmp_path: Path) -> None:
    root = company(tmp_path, users__bot="kind: service\nuserPrincipalName: bot@contoso.com\nowner: linus\n")
    adoption = taken_over(root, without_linus(), prune=True)
    assert not {"- user:bot", "- user:linus"} & set(told(adoption))
    assert "linus stays: owner of bot" in adoption.notes


@pytest.mark.parametrize(
    "text", ["guardrails:\n  protected: {users: [linus]}\n", "guardrails:\n  minimumMembers: {old: 1}\n"]
)
def test_whom_an_app_names_otherwise_stays(tmp_path: Path, text: str) -> None:
    root = company(tmp_path, APP + text)
    adoption = taken_over(root, without_linus(), prune=True)
    (stays,) = [note for note in adoption.notes if " stays: " in note]
    assert "apps/x/app.yaml names it in guardrails." in stays
    load(root)


def test_where_somebody_is_refused_nothing_is_removed(tmp_path: Path) -> None:
    root = company(tmp_path)
    found = draft(
        {
            "ada": person("ada"),
            "l": {"userPrincipalName": "linus@contoso.com", "mail": "x@y.org"},
            "m": {"userPrincipalName": "linus@contoso.com"},
        },
        {"team": {"displayName": "Team", "members": ["ada", "l"]}},
    )
    adoption = taken_over(root, found, prune=True)
    assert len(adoption.refused) == 2
    assert told(adoption, "-") == []
    assert "linus" in files(root)["groups/team.yaml"]


def test_whom_the_source_refers_to_stays(tmp_path: Path) -> None:
    root = company(tmp_path)
    found = draft({"ada": person("ada", manager="zoe")},
                  {"team": {"displayName": "T", "members": ["ada", {"user": "linus"}, {"group": "old"}]}})  # fmt: skip
    found.assigned = {"x": {"groups": ["team"], "users": ["ada", "grace"]}}
    adoption = taken_over(root, found, prune=True)
    assert told(adoption, "-") == ["- assigned:x group:old", "- assigned:x user:linus"]


def test_an_empty_source_removes_nobody(tmp_path: Path) -> None:
    root = company(tmp_path)
    assert not adopt(root, draft({}), prune=True).changes

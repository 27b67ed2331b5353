"""A draft into files: added always, changed with `update`, and what people wrote stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reconciler.desired import load
from reconciler.errors import DesiredStateError, ReconcilerError
from reconciler.sources.adopt import adopt
from reconciler.sources.draft import Draft, Record
from reconciler.sources.naming import id_of
from reconciler.sources.store import write
from tests.sources.drafts import draft, files, folder, person, taken_over, told, untidy

ADA = """\
# Runs marketing.
userPrincipalName: ada@contoso.com   # since 2020

displayName: Ada
# where she sits
department: Marketing
"""
TEAM = """\
displayName: Team
members:
  # the founders
  - ada   # first
  - user: grace
    until: 2027-03-31
    reason: cover
"""
GRACE = "userPrincipalName: grace@contoso.com\n"


def test_a_new_folder(tmp_path: Path) -> None:
    found = draft(
        {"ada": person("ada", manager="grace", mail="ada@contoso.com"), "grace": person("grace")},
        {"team": {"displayName": "Team", "members": ["ada", {"group": "core"}]}, "core": {"displayName": "Core"}},
    )
    root = tmp_path / "a" / "b"
    adoption = taken_over(root, found)
    assert told(adoption) == [
        "+ user:ada", "+ user:grace", "+ group:team", "+ member:team ada", "+ member:team group:core", "+ group:core",
    ]  # fmt: skip
    assert files(root) == {
        "users/ada.yaml": "userPrincipalName: ada@contoso.com\nmail: ada@contoso.com\ndisplayName: Ada\n"
        "manager: grace\n",
        "users/grace.yaml": "userPrincipalName: grace@contoso.com\ndisplayName: Grace\n",
        "groups/team.yaml": "displayName: Team\nmembers:\n  - ada\n  - group: core\n",
        "groups/core.yaml": "displayName: Core\n",
    }
    assert untidy(root) == []


def test_lists_of_a_hundred(tmp_path: Path) -> None:
    people = {f"p{n:03}": person(f"p{n:03}") for n in range(205)}
    taken_over(tmp_path, draft(people), layout="lists")
    assert sorted(files(tmp_path)) == [f"users/imported-000{n}.yaml" for n in (1, 2, 3)]
    assert len(load(tmp_path).directory.users) == 205
    assert untidy(tmp_path) == []
    more = draft(people | {"zoe": person("zoe")})
    assert sorted(taken_over(tmp_path, more, layout="lists").writes) == ["users/imported-0004.yaml"]


def test_remarks_are_comments_and_stay_on_their_lines(tmp_path: Path) -> None:
    record = Record("ada", person("ada"), ("no e-mail\n  accountEnabled: false", "\x1b[31mred\u2028"))
    taken_over(tmp_path, Draft(users={"ada": record}))
    text = files(tmp_path)["users/ada.yaml"]
    assert text.startswith("# no e-mail\n#   accountEnabled: false\n# \ufffd[31mred")
    assert load(tmp_path).directory.users["ada"].attributes.get("accountEnabled") is not False  # type: ignore[index]


def test_what_is_missing_is_added_where_fmt_has_it_and_comments_stay(tmp_path: Path) -> None:
    folder(tmp_path, users__ada=ADA, users__grace=GRACE, groups__team=TEAM)
    found = draft(
        {"ada": person("ada", mail="ada@contoso.com", manager="grace"), "linus": person("linus")},
        {"team": {"displayName": "Team", "members": ["linus", "ada", "grace"], "description": "All of us"}},
    )
    adoption = taken_over(tmp_path, found)
    assert told(adoption) == [
        "+ user:ada mail", "+ user:ada manager", "+ user:linus", "+ member:team linus", "+ group:team description",
    ]  # fmt: skip
    assert files(tmp_path)["users/ada.yaml"] == (
        "# Runs marketing.\nuserPrincipalName: ada@contoso.com   # since 2020\nmail: ada@contoso.com\n\n"
        "displayName: Ada\n# where she sits\ndepartment: Marketing\nmanager: grace\n"
    )
    assert files(tmp_path)["groups/team.yaml"] == (
        "displayName: Team\ndescription: All of us\nmembers:\n  # the founders\n  - ada   # first\n"
        "  - user: grace\n    until: 2027-03-31\n    reason: cover\n  - linus\n"
    )


def test_what_differs_is_kept_and_listed_without_update(tmp_path: Path) -> None:
    folder(tmp_path, users__ada=ADA)
    found = draft({"ada": person("ada", department="Sales", displayName="Ada L.", accountEnabled=False)})
    adoption = adopt(tmp_path, found)
    assert not adoption.changes
    assert told(adoption, "=") == ["= user:ada displayName", "= user:ada department", "= user:ada accountEnabled"]
    assert (adoption.lines[-1].before, adoption.lines[-1].after) == (True, False)


def test_what_differs_is_changed_with_update(tmp_path: Path) -> None:
    folder(tmp_path, users__ada=ADA)
    found = draft({"ada": person("ada", department="Sales: north", displayName="Ada L.", accountEnabled=False)})
    taken_over(tmp_path, found, update=True)
    assert files(tmp_path)["users/ada.yaml"] == (
        "# Runs marketing.\nuserPrincipalName: ada@contoso.com   # since 2020\n\ndisplayName: Ada L.\n"
        'accountEnabled: false\n# where she sits\ndepartment: "Sales: north"\n'
    )


def test_one_of_a_list_in_a_file_and_of_one_in_braces(tmp_path: Path) -> None:
    text = (
        "# agencies\n- id: ada  # her\n  userPrincipalName: ada@contoso.com\n\n"
        "- {id: grace, userPrincipalName: grace@contoso.com}  # short\n"
    )
    folder(tmp_path, users__sub__all=text)
    found = draft({"ada": {"mail": "ada@x.org"}, "grace": {"mail": "grace@x.org", "otherMails": ["a", "b"]}})
    taken_over(tmp_path, found)
    assert files(tmp_path)["users/sub/all.yaml"] == (
        "# agencies\n- id: ada  # her\n  userPrincipalName: ada@contoso.com\n  mail: ada@x.org\n\n"
        "- {id: grace, userPrincipalName: grace@contoso.com, mail: grace@x.org, otherMails: [a, b]}  # short\n"
    )


def test_lines_of_windows_stay_lines_of_windows(tmp_path: Path) -> None:
    folder(tmp_path, users__ada="userPrincipalName: ada@contoso.com\r\nmail: a@x.org\r\n")
    taken_over(tmp_path, draft({"ada": {"department": "Sales", "mail": "b@x.org"}}), update=True)
    raw = (tmp_path / "users/ada.yaml").read_bytes()
    assert raw == b"userPrincipalName: ada@contoso.com\r\nmail: b@x.org\r\ndepartment: Sales\r\n"


def test_somebody_is_recognized_by_the_sign_in_name_mail_or_number(tmp_path: Path) -> None:
    folder(
        tmp_path,
        users__e1="userPrincipalName: Ada@contoso.com\n",
        users__e2="userPrincipalName: g@contoso.com\nmail: grace@contoso.com\n",
        users__e3='userPrincipalName: l@contoso.com\nemployeeId: "007"\n',
        groups__g1="displayName: Team\nmembers: [e1]\n",
    )
    found = draft(
        {
            "ada": {"userPrincipalName": "ada@CONTOSO.com"},
            "grace": {"mail": "Grace@contoso.com"},
            "linus": {"employeeId": "007"},
        },
        {"team": {"displayName": "team", "members": ["ada", "grace", "linus"]}},
    )
    adoption = taken_over(tmp_path, found)
    assert adoption.ids == {"users": {"ada": "e1", "grace": "e2", "linus": "e3"}, "groups": {"team": "g1"}}
    assert files(tmp_path)["groups/g1.yaml"] == "displayName: Team\nmembers: [e1, e2, e3]\n"


@pytest.mark.parametrize(
    "people",
    [
        {"ada": {"userPrincipalName": "grace@contoso.com"}},  # her id is one, her name another
        {"new": {"userPrincipalName": "ada@contoso.com", "mail": "grace@contoso.com"}},
        {"a": {"mail": "ada@contoso.com"}, "b": {"mail": "ada@contoso.com"}},
    ],
)
def test_who_may_be_two_is_refused(tmp_path: Path, people: dict[str, dict[str, str]]) -> None:
    folder(
        tmp_path,
        users__ada="userPrincipalName: ada@contoso.com\nmail: ada@contoso.com\n",
        users__grace="userPrincipalName: grace@contoso.com\nmail: grace@contoso.com\n",
    )
    adoption = adopt(tmp_path, draft(people, {"team": {"displayName": "Team", "members": list(people)}}))
    assert [one.where for one in adoption.refused] == list(people)
    assert told(adoption) == ["+ group:team"]
    assert adopt(tmp_path, draft(people), prune=True, update=True).lines == []


def test_values_that_look_like_others_come_back_as_text(tmp_path: Path) -> None:
    odd = ["007", "yes", "Null", "~", "1e3", "0x1F", "2026-01-01", "a: b", "a #b", "- x", "'", '"', "\\", " a", "a ",
           "@x", "%x", "`x", "!x", "&x", "*x", "{x", "[x", "|", ">", "?", "", "\t", "\x7f", "é", "日本", "\U0001f600",
           "a\nb", "\u2028", "\ufeff", "=cmd", "<<", "---", "...", "#", ":", "a:", "::"]  # fmt: skip
    people = {f"p{n}": person(f"p{n}", department=each) for n, each in enumerate(odd)}
    for layout in ("files", "lists"):
        root = tmp_path / layout
        taken_over(root, draft(people), layout=layout)
        read = load(root).directory.users
        assert [read[f"p{n}"].attributes["department"] for n in range(len(odd))] == odd  # type: ignore[index]
        assert untidy(root) == []


def test_a_lone_surrogate_never_reaches_a_file(tmp_path: Path) -> None:
    write(adopt(tmp_path, draft({"ada": person("ada", department="a\ud800b")})), tmp_path)
    assert load(tmp_path).directory.users["ada"].attributes["department"] == "a\ufffdb"  # type: ignore[index]


def test_names_of_files_stay_inside_and_apart(tmp_path: Path) -> None:
    names = ["../../etc/passwd", "/etc/passwd", "con", "COM1.x", "Ada", "ada", "ADA", ".hidden", "a/b", "a\\b", "…",
             "x" * 300, "日本", "日本語" * 60, "ähnlich", "-rf", "a b", "imported-0001", "\x00", "a\nb", "\u202eevil",
             "\ud800", ""]  # fmt: skip
    ids: list[str] = []
    for number, name in enumerate(names):
        ids.append(id_of(name, str(number), ids))
    ids += ["CON", "Con.txt", "Ähnlich", "ADA", "x" * 128, "日" * 40]
    people = {each: {"userPrincipalName": f"p{n}@contoso.com"} for n, each in enumerate(ids)}
    taken_over(tmp_path / "in", draft(people))
    assert sorted(load(tmp_path / "in").directory.users) == sorted(ids)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    found = [path.name for path in (tmp_path / "in/users").iterdir()]
    assert len({name.lower() for name in found}) == len(found) == len(ids)
    assert all(len(name.encode()) <= 100 and name.isascii() and name[0] not in ".-" for name in found)
    assert not {name.split(".")[0].lower() for name in found} & {"con", "com1"}


def test_an_id_that_cannot_be_one_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DesiredStateError, match=r"can't be `\.\./x`"):
        write(adopt(tmp_path / "in", draft({"../x": person("ada")})), tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_that_does_not_read(tmp_path: Path) -> None:
    folder(tmp_path, users__ada=ADA)
    before = files(tmp_path)
    adoption = adopt(tmp_path, draft({"grace": person("grace", manager="nobody", nonsense="x")}))
    with pytest.raises(DesiredStateError, match="nonsense"):
        write(adoption, tmp_path)
    assert files(tmp_path) == before
    with pytest.raises(DesiredStateError):
        write(adopt(tmp_path / "new", draft({"grace": person("grace", nonsense="x")})), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_all_or_none_when_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, users__ada=ADA, groups__team="displayName: Team\nmembers: [ada]\n")
    before = files(tmp_path)
    found = draft({"ada": {"mail": "a@x.org"}, "grace": person("grace")}, {"team": {"members": ["grace"]}})
    adoption = adopt(tmp_path, found)
    real, calls = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(ReconcilerError, match="No space left"):
        write(adoption, tmp_path)
    assert files(tmp_path) == before


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    root = folder(tmp_path / "in", users__ada=ADA)
    (tmp_path / "out").mkdir()
    (root / "groups").symlink_to(tmp_path / "out")
    adoption = adopt(root, draft({}, {"team": {"displayName": "Team", "members": ["ada"]}}))
    with pytest.raises(ReconcilerError):
        write(adoption, root)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_app_that_is_there_gets_more_assignments_and_keeps_its_comments(tmp_path: Path) -> None:
    app = (
        "gallery: scim\ntenantUrl: https://scim.contoso.com/v2\nauth:\n  bearer: {env: TOKEN}\nscope:\n  assigned:\n"
        "    groups: [team]  # ours\nunmanaged:\n  users: report\n"
    )
    folder(tmp_path, users__ada=ADA, groups__team="displayName: Team\nmembers: [ada]\n", apps__x__app=app)
    found = draft({"grace": person("grace")}, {"core": {"displayName": "Core", "members": ["grace"]}})
    found.assigned = {"x": {"groups": ["team", "core"], "users": ["ada"]}, "unknown": {"users": ["ada"]}}
    adoption = taken_over(tmp_path, found)
    assert {"+ assigned:x group:core", "+ assigned:x user:ada"} <= set(told(adoption))
    assert files(tmp_path)["apps/x/app.yaml"] == app.replace("[team]", "[team, core]").replace(
        "  # ours\n", "  # ours\n    users:\n      - ada\n"
    )


def test_ten_thousand_people_in_seconds(tmp_path: Path) -> None:
    people = {f"p{n:05}": person(f"p{n:05}", mail=f"p{n:05}@contoso.com") for n in range(10_000)}
    groups = {f"g{n}": {"displayName": f"G{n}", "members": [f"p{m:05}" for m in range(n, 10_000, 50)]}
              for n in range(50)}  # fmt: skip
    groups["all"] = {"displayName": "All", "members": list(people)}
    write(adopt(tmp_path, draft(people, groups)), tmp_path)
    assert len(files(tmp_path)) == 100 + 51
    start = time.process_time()
    assert not adopt(tmp_path, draft(people, groups), update=True, prune=True).changes
    fewer = dict(list(people.items())[::2])
    left = {name: {**values, "members": [each for each in values["members"] if each in fewer]}
            for name, values in groups.items()}  # fmt: skip
    adoption = adopt(tmp_path, draft(fewer, left), prune=True)
    took = time.process_time() - start
    assert adoption.count("-") == 5_000 + 10_000
    write(adoption, tmp_path)
    assert load(tmp_path).directory.users.keys() == fewer.keys()
    assert took < 60, took

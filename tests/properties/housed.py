"""A pair as files and as a sandbox: the same company, through everything that there is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import orjson

from tests.properties.application import Application
from tests.properties.pairs import ROBOT, RULES, Pair
from tests.properties.planned import assigned, remembered

if TYPE_CHECKING:
    from tests.conftest import SandboxStory


class Housed:
    """`ids`: what the pair calls an account or a team → what the sandbox calls it."""

    def __init__(self, story: SandboxStory, pair: Pair) -> None:
        self.story, self.pair = story, pair
        self.ids = self._populate()
        self.names = {theirs: ours for ours, theirs in self.ids.items()}
        held = self.application()
        pair.accounts, pair.teams = held.accounts, held.teams  # with what the application adds by itself
        self._write()
        self._remember()

    def _populate(self) -> dict[str, str]:
        sandbox, pair = self.story.sandbox, self.pair
        ids = {}
        for name, each in pair.accounts.items():
            if each["userName"] == ROBOT:
                sandbox.edit_user(sandbox.user_id("provisioning@contoso.com"), userName=ROBOT)
            ids[name] = sandbox.user_id(ROBOT) if each["userName"] == ROBOT else sandbox.add_user(each["userName"])
            sandbox.edit_user(
                ids[name],
                displayName=each["displayName"],
                name={"givenName": each["given"], "familyName": each["family"]},
                emails=[{"value": each["mail"], "type": "work", "primary": True}],
                active=each["active"],
                title=each["title"],
            )
        for name, each in pair.teams.items():
            ids[name] = sandbox.add_group(each["name"], [ids[m] for m in each["members"]])
        return ids

    def _write(self) -> None:
        company, pair = self.story.company, self.pair
        for part in ("users", "groups"):
            shutil.rmtree(company.root / part, ignore_errors=True)
        for name, each in pair.people.items():
            pin = {"accounts": {"app": self.ids.get(each["pin"], each["pin"])}} if each["pin"] else {}
            former = [{"userPrincipalName": f} for f in each["formerly"]] + [{"id": f} for f in each["formerIds"]]
            company.write(f"users/{name}.yaml", {
                "id": name, "userPrincipalName": each["userName"], "mail": each["mail"], "givenName": each["given"],
                "surname": each["family"], "displayName": each["displayName"], "accountEnabled": each["enabled"],
                **each["window"], **({"timeZone": each["timezone"]} if each["timezone"] else {}),
                **({"formerly": former} if former else {}), **pin,
            })  # fmt: skip
        for name, each in pair.groups.items():
            members = [
                {**({"group": m[1:]} if m.startswith("@") else {"user": m}), **each["windows"].get(m, {})}
                for m in each["members"]
            ]
            rules = [{"all": [RULES[clause][0] for clause in rule]} for rule in each["rules"]]
            former = [{"displayName": f} for f in each["formerly"]]
            company.group(
                name, each["name"], members,
                **({"formerly": former} if former else {}), **({"rules": rules} if rules else {}),
            )  # fmt: skip
        groups = sorted(name for name, each in pair.groups.items() if each["assigned"])
        company.edit_app(scope={"assigned": assigned(pair)}, groups=groups, **pair.app)

    def _remember(self) -> None:
        if self.pair.bindings is None:
            return
        bindings = {
            k: {**remembered(k, b), "id": self.ids.get(b["id"], b["id"])} for k, b in self.pair.bindings.items()
        }
        company = self.story.company
        company.state_file.parent.mkdir(exist_ok=True)
        document = {"format": "reconciler.state/1", "app": "app", "tenantUrl": self.story.tenant, "bindings": bindings}
        company.state_file.write_bytes(orjson.dumps(document))

    def application(self) -> Application:
        """What the sandbox holds now, in the words of the pair."""
        sandbox = self.story.sandbox
        accounts = {self.names.get(id_, id_): _account(user) for id_, user in sandbox.users.items()}
        teams = {
            self.names.get(id_, id_): {
                "name": group["displayName"],
                "members": sorted(self.names.get(m, m) for m in sandbox.members(id_)),
            }
            for id_, group in sandbox.groups.items()
        }
        return Application(accounts, teams)

    def told(self, document: Any) -> Any:
        """A document with the ids of the pair."""
        if isinstance(document, dict):
            return {key: self.told(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.told(value) for value in document]
        return self.names.get(document, document) if isinstance(document, str) else document


def _account(user: dict[str, Any]) -> dict[str, Any]:
    mail = next((each["value"] for each in user.get("emails", ()) if each.get("type") == "work"), None)
    name = user.get("name", {})
    return {
        "userName": user["userName"], "mail": mail, "displayName": user.get("displayName"),
        "given": name.get("givenName"), "family": name.get("familyName"), "timezone": user.get("timezone"),
        "active": user["active"], "title": user.get("title"),
    }  # fmt: skip

"""What can be wrong with a mapping is told at its place in the file, by `validate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.validate import validate

APP = """\
tenantUrl: https://scim.example.com/v2
scope: {everyone: true}
unmanaged: {users: report}
profile:
  schema:
    urn:example:chat:2.0:User:badge: {type: string, readOnly: true}
    urn:example:chat:2.0:User:level: integer
"""
USER = "userPrincipalName: ada@contoso.com\nmail: ada@contoso.com\ndisplayName: Ada\notherMails: [a@b.example]\n"
CORE = "urn:ietf:params:scim:schemas:core:2.0"


@pytest.mark.parametrize(
    ("mapping", "column", "severity", "message", "hint"),
    [
        ("{target: title, expression: 'Apend([mail], \"x\")'}", 34, "error", "no function has the name Apend",
         "did you mean Append?"),
        ("{target: title, expression: 'Left([mail])'}", 34, "error", "Left", "Left(text, length)"),
        ("{target: title, expression: 'Trim([maill])'}", 39,
         "error", "no source attribute has the name maill", "did you mean mail?"),
        # spelled with an escape: where the text begins is all that can be said
        ("{target: title, expression: 'Trim([maill] & \"it''s\")'}", 33,
         "error", "no source attribute has the name maill", "did you mean mail?"),
        ("{target: title, source: departement}", 29, "error", "no source attribute has the name departement",
         "did you mean department?"),
        ("{target: title, source: otherMails}", 29, "error", "otherMails has several values, and title takes one",
         "pick one"),
        ("{target: active, constant: maybe}", 32, "error",
         "active: 'maybe' is neither True nor False, and the target is a boolean", ""),
        ("{target: 'urn:example:chat:2.0:User:level', source: accountEnabled}", 57, "error",
         "is a boolean, and the target takes a whole number", ""),
        ("{target: active, source: displayName}", 5, "error",
         "active of ada: 'Ada' is neither True nor False, and the target is a boolean", ""),
        ("{target: nickName, source: mail, matching: 2}", 48, "warning",
         "SCIM 2.0 can't filter by nickName", "`filters.users` of the profile: userName, externalId"),
        ("{target: userNam, source: mail}", 14, "warning", "SCIM knows no userNam", "did you mean userName?"),
        ("{target: id, source: mail}", 14, "error", "id can't be a target", ""),
        ("{target: 'urn:example:chat:2.0:User:badge', source: mail}", 14, "error", "the application computes it", ""),
        (f"{{target: '{CORE}:Group:externalId', source: mail}}", 14, "error", "it is an attribute of groups", ""),
        (f"{{target: '{CORE}:User:displayName', source: mail}}", 14, "error",
         "is mapped twice, first in line 2", "one mapping a target"),
    ],
)  # fmt: skip
def test_every_mistake_has_its_place(
    tmp_path: Path, mapping: str, column: int, severity: str, message: str, hint: str
) -> None:
    files = {
        "users/ada.yaml": USER,
        "apps/chat/app.yaml": APP,
        "apps/chat/mappings.yaml": f"users:\n  - {{target: displayName, source: displayName}}\n  - {mapping}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    result = CliRunner().invoke(validate, [str(tmp_path), "--format", "json"])
    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == (1 if severity == "error" else 0)
    assert (problem["file"], problem["line"], problem["column"]) == ("apps/chat/mappings.yaml", 3, column)
    assert problem["severity"] == severity
    assert message in problem["message"]
    assert hint in problem["hint"]

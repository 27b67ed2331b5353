"""`import live` from scim2-server, which none of us wrote: the first plan has nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import Called
from tests.integration.test_scim2_server import bulk, kind, server

__all__ = ["bulk", "kind", "server"]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_the_first_plan_is_empty(
    server: str, tmp_path: Path, reconciler: Callable[..., Called], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIM_SCIM_TOKEN", "secret-of-the-tests")
    people = (("ada", True), ("bob", True), ("gone", False))
    with httpx.Client(base_url=server, headers={"content-type": "application/scim+json"}) as client:
        ids = []
        for name, active in people:
            mail = {"value": f"{name}@example.com", "type": "work", "primary": True}
            body = {"schemas": [USER], "userName": f"{name}@example.com", "displayName": name.title(),
                    "emails": [mail], "active": active}  # fmt: skip
            ids.append(client.post("/Users", json=body).raise_for_status().json()["id"])
        members = [{"value": each} for each in ids[:2]]
        client.post("/Groups", json={"schemas": [GROUP], "displayName": "Team", "members": members}).raise_for_status()
    root = tmp_path / "state"
    said = reconciler("import", "live", root, "--gallery", "scim", "--tenant-url", server, "--yes")
    assert said.code == 0, said.err
    assert (root / "groups/team.yaml").read_text(encoding="utf-8").endswith("members:\n  - ada\n  - bob\n")
    assert "accountEnabled: false" in (root / "users/gone.yaml").read_text(encoding="utf-8")
    assert reconciler("plan", root, "--format", "json").document["changes"] == []
    again = reconciler("import", "live", root, "--app", "scim", "--yes", "--update", "--prune")
    assert "Nothing to write" in again.out

"""scim2-tester, which none of us wrote, finds nothing wrong with the plain sandbox."""

from __future__ import annotations

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from reconciler.sandbox import Sandbox, running


def test_scim2_tester_passes() -> None:
    with (
        running(Sandbox("scim", users=3)) as url,
        httpx2.Client(base_url=url, headers={"Authorization": "Bearer x"}, trust_env=False) as http,
    ):
        results = check_server(SyncSCIMClient(http))
    wrong = [
        (r.title, r.reason) for r in results if r.status not in (Status.SUCCESS, Status.ACCEPTABLE, Status.SKIPPED)
    ]
    assert not wrong
    assert sum(r.status is Status.SUCCESS for r in results) > 100, "it looked at much"

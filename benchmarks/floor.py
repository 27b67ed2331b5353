"""The yardsticks of a plan, each a process of its own: `python -m benchmarks.floor floor|files|scim2 ROOT URL`.

`floor`: the files through our YAML reader and the pages through orjson, nothing kept, nothing else. `files`: only the
files. `scim2`: only the users listed with scim2-client, what somebody would write without us. Prints the seconds of CPU
and wall that it took as JSON, without imports.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from benchmarks.company import TOKEN
from benchmarks.processes import Clock

PAGE: Final = 100
SIDE_BY_SIDE: Final = 8


def floor(root: Path, url: str) -> dict[str, float]:
    """Without `url` the files alone."""
    from reconciler.desired.document import read_document

    importlib.import_module("httpx_aiohttp")
    begun = Clock.now()
    gc.disable()
    for file in sorted(root.rglob("*.yaml")):
        read_document(file.read_bytes(), file.name)
    if url:
        asyncio.run(_pages(url))
    return begun.since()


async def _pages(url: str) -> None:
    import httpx
    import orjson
    from httpx_aiohttp import AiohttpTransport

    headers = {"authorization": f"Bearer {os.environ[TOKEN]}"}
    async with httpx.AsyncClient(transport=AiohttpTransport(), headers=headers) as client:
        for path in ("Users", "Groups"):

            async def page(start: int, path: str = path) -> int:
                answer = await client.get(f"{url}/{path}", params={"startIndex": start, "count": PAGE})
                return int(orjson.loads(answer.content)["totalResults"])

            starts = iter(range(1 + PAGE, await page(1) + 1, PAGE))

            async def work() -> None:
                for start in starts:  # noqa: B023  all done before the next round
                    await page(start)

            await asyncio.gather(*(work() for _ in range(SIDE_BY_SIDE)))


def scim2(url: str) -> dict[str, float]:
    import httpx2
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_models import ListResponse, ScimProvider, User

    begun = Clock.now()
    headers = {"authorization": f"Bearer {os.environ[TOKEN]}"}
    with httpx2.Client(base_url=url, headers=headers) as client:
        scim = SyncSCIMClient(client, provider=ScimProvider([User]), check_response_content_type=False)
        start, total = 1, 1
        while start <= total:
            answer = scim.query(
                User, query_parameters={"startIndex": start, "count": PAGE}, check_request_payload=False
            )
            assert isinstance(answer, ListResponse)
            total = answer.total_results or 0
            start += len(answer.resources or ()) or PAGE
    return begun.since()


if __name__ == "__main__":
    which, folder, base = sys.argv[1:]
    found = scim2(base) if which == "scim2" else floor(Path(folder), base if which == "floor" else "")
    sys.stdout.write(json.dumps(found))

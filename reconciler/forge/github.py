"""GitHub, over REST (version 2022-11-28), and GraphQL for the two things that REST does not have: who I am, when I am
a workflow, and folding a comment away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote

from reconciler.errors import ForgeError, NotApproved
from reconciler.forge import archive
from reconciler.forge.api import Api, Patience
from reconciler.forge.nouns import Comment, Issue, PullRequest, Seal, Sealing
from reconciler.forge.surroundings import Surroundings
from reconciler.render import Annotation

CHECK: Final = "reconciler/"
"""Before the app's name: what a check run is called."""
ARTIFACT: Final = "plan"
"""How the name of an artifact with plans begins."""
_HEADERS: Final = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_REMARKS: Final = 50
"""Annotations that one request takes."""
_LEVELS: Final = {"error": "failure", "warning": "warning", "notice": "notice"}
_AGAIN: Final = "run the plan of the pull request again, and let its report be written"
_HIDE: Final = """mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}"""


class GitHub:
    """One repository, with one token."""

    def __init__(self, where: Surroundings, patience: Patience | None = None) -> None:
        patience = patience or Patience()
        self._rest = Api(where.api, patience=patience, headers=_HEADERS, bearer=where.token)
        self._graphql = Api(where.graphql, patience=patience, headers=_HEADERS, bearer=where.token)
        self._root = f"repos/{where.repository}"
        self._me: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.close()
        await self._graphql.close()

    async def viewer(self) -> str:
        if self._me is None:
            found = await self._query("query { viewer { login } }", {})
            self._me = str((found.get("viewer") or {}).get("login") or "")
            if not self._me:
                raise ForgeError("GitHub does not say whose token it is", hint="is it a token of this GitHub?")
        return self._me

    async def pull_request(self, number: int) -> PullRequest:
        return _pull(await self._rest.json("GET", f"{self._root}/pulls/{number}"))

    async def open_at(self, head: str, source: str) -> list[PullRequest]:
        found = [_pull(row) async for row in self._rest.pages(f"{self._root}/pulls", {"state": "open"})]
        return [pull for pull in found if pull.head == head and source in ("", pull.source)]

    async def merged_by(self, commit: str) -> PullRequest | None:
        about = await self._rest.json("GET", self._root)
        async for row in self._rest.pages(f"{self._root}/commits/{commit}/pulls"):
            pull = _pull(row)
            base = ((row.get("base") or {}).get("repo") or {}).get("full_name")
            if pull.merged == commit and pull.target == about["default_branch"] and base == about["full_name"]:
                return pull
        return None

    async def touched(self, number: int) -> list[str]:
        rows = [row async for row in self._rest.pages(f"{self._root}/pulls/{number}/files")]
        return [str(row[key]) for row in rows for key in ("filename", "previous_filename") if row.get(key)]

    async def comments(self, number: int) -> list[Comment]:
        return [_comment(row, number) async for row in self._rest.pages(f"{self._root}/issues/{number}/comments")]

    async def add_comment(self, number: int, body: str) -> Comment:
        row = await self._rest.json("POST", f"{self._root}/issues/{number}/comments", body={"body": body})
        return _comment(row, number)

    async def edit_comment(self, comment: Comment, body: str) -> None:
        await self._rest.json("PATCH", f"{self._root}/issues/comments/{comment.id}", body={"body": body})

    async def hide(self, comment: Comment) -> None:
        await self._query(_HIDE, {"id": comment.node})

    async def seals(self, head: str, pull: int) -> dict[str, Seal]:
        newest: dict[str, tuple[int, int, Seal]] = {}
        slug = (await self.viewer()).removesuffix("[bot]")
        rows = self._rest.pages(f"{self._root}/commits/{head}/check-runs", {"filter": "all"}, "check_runs")
        async for row in rows:
            name = str(row.get("name"))
            seal = Seal.read(name.removeprefix(CHECK), str(row.get("external_id")))
            if not name.startswith(CHECK) or seal is None or seal.pull != pull:
                continue
            if (row.get("app") or {}).get("slug") == slug:
                found = (seal.run, int(row["id"]), seal)
                newest[seal.app] = max(newest.get(seal.app, found), found, key=lambda each: each[:2])
        return {app: seal for app, (_, _, seal) in newest.items()}

    async def put_seal(self, head: str, sealing: Sealing) -> None:
        """Always a new one: what was there stays as it was, and the newest counts."""
        output = {
            "title": sealing.title[:250],
            "summary": sealing.summary,
            "annotations": [_annotation(each) for each in sealing.remarks if each.file][:_REMARKS],
        }
        check = {
            "name": f"{CHECK}{sealing.seal.app}",
            "head_sha": head,
            "status": "completed",
            "conclusion": "neutral" if sealing.asks else "success",
            "external_id": str(sealing.seal),
            "output": output,
            **({"details_url": sealing.url} if sealing.url else {}),
        }
        await self._rest.json("POST", f"{self._root}/check-runs", body=check)

    async def labels(self, number: int) -> set[str]:
        return {str(row.get("name")) async for row in self._rest.pages(f"{self._root}/issues/{number}/labels")}

    async def label(self, number: int, add: Mapping[str, str], remove: Sequence[str]) -> None:
        for name, colour in add.items():
            there = await self._rest.ask("GET", f"{self._root}/labels/{quote(name, safe='')}", also=(404,))
            if there.status == 404:  # 422: somebody else made it meanwhile
                await self._rest.ask("POST", f"{self._root}/labels", body={"name": name, "color": colour}, also=(422,))
        if add:
            await self._rest.json("POST", f"{self._root}/issues/{number}/labels", body={"labels": list(add)})
        for name in remove:
            await self._rest.ask("DELETE", f"{self._root}/issues/{number}/labels/{quote(name, safe='')}", also=(404,))

    async def issues(self, author: str) -> list[Issue]:
        rows = self._rest.pages(f"{self._root}/issues", {"state": "open", "creator": author})
        return [
            Issue(int(row["number"]), _author(row), str(row.get("body") or ""))
            async for row in rows
            if "pull_request" not in row
        ]

    async def open_issue(self, title: str, body: str) -> int:
        return int(
            (await self._rest.json("POST", f"{self._root}/issues", body={"title": title, "body": body}))["number"]
        )

    async def edit_issue(self, number: int, title: str, body: str) -> None:
        await self._rest.json("PATCH", f"{self._root}/issues/{number}", body={"title": title, "body": body})

    async def close_issue(self, number: int, why: str) -> None:
        state = {"state": "closed", "state_reason": "completed", "body": why}
        await self._rest.json("PATCH", f"{self._root}/issues/{number}", body=state)

    async def documents(self, seal: Seal, pull: PullRequest, names: Collection[str]) -> AsyncIterator[bytes]:
        run = await self._rest.json("GET", f"{self._root}/actions/runs/{seal.run}", also=(404,))
        source = (run.get("head_repository") or {}).get("full_name")
        if run.get("head_sha") != pull.head or source != pull.source:
            raise NotApproved(
                f"run {seal.run} was not for commit {pull.head[:12]} of pull request {pull.number}", hint=_AGAIN
            )
        async for row in self._rest.pages(f"{self._root}/actions/runs/{seal.run}/artifacts", key="artifacts"):
            name = str(row.get("name"))
            size = int(row.get("size_in_bytes") or 0)
            if name.startswith(ARTIFACT) and not row.get("expired") and size <= archive.LARGEST:
                path = f"{self._root}/actions/artifacts/{int(row['id'])}/zip"
                for document in archive.documents(await self._rest.download(path, archive.LARGEST), names):
                    yield document

    async def _query(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        found = await self._graphql.json("POST", "", body={"query": query, "variables": variables})
        if not isinstance(found, dict) or found.get("errors") or not isinstance(found.get("data"), dict):
            raise ForgeError("GitHub's GraphQL refused", hint="may the token do this?")
        return dict(found["data"])


def _pull(row: Mapping[str, Any]) -> PullRequest:
    head = row.get("head") or {}
    return PullRequest(
        number=int(row["number"]),
        head=str(head.get("sha") or ""),
        source=str((head.get("repo") or {}).get("full_name") or ""),
        target=str((row.get("base") or {}).get("ref") or ""),
        merged=str(row.get("merge_commit_sha") or "") if row.get("merged_at") else "",
    )


def _comment(row: Mapping[str, Any], on: int) -> Comment:
    return Comment(
        on, int(row["id"]), _author(row), str(row.get("body") or ""), str(row.get("html_url") or ""),
        str(row.get("node_id") or ""),
    )  # fmt: skip


def _author(row: Mapping[str, Any]) -> str:
    """Nobody, for an account that is gone."""
    return str((row.get("user") or {}).get("login") or "")


def _annotation(each: Annotation) -> dict[str, Any]:
    line = max(each.line, 1)
    return {
        "path": each.file, "start_line": line, "end_line": line, "annotation_level": _LEVELS[each.level],
        "title": each.title[:250], "message": each.message[:60_000],
    }  # fmt: skip

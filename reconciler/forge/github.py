"""GitHub, over REST (version 2022-11-28), and GraphQL for the two things that REST does not have: who I am, when I am
a workflow, and folding a comment away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forge import archive
from reconciler.forge.api import Patience, needed, reach, whole, within
from reconciler.forge.nouns import Comment, Issue, PullRequest, Seal, Sealing
from reconciler.forge.surroundings import Surroundings
from reconciler.render import Annotation, safe

CHECK: Final = "reconciler/"
"""Before the app's name: what a check run is called."""
ARTIFACT: Final = "plan"
"""How the name of an artifact with plans begins."""
_REMARKS: Final = 50
"""Annotations that one request takes."""
_LEVELS: Final = {"error": "failure", "warning": "warning", "notice": "notice"}
_RETARGETED: Final = frozenset({"base_ref_changed", "automatic_base_change_succeeded"})
_HIDE: Final = """mutation($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }
}"""


class GitHub:
    """One repository, with one token."""

    def __init__(self, where: Surroundings) -> None:
        patience = Patience()
        self._rest = reach(where, patience)
        self._graphql = reach(where, patience, base_url=where.graphql)
        self._root = where.root
        self._me: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.close()
        await self._graphql.close()

    async def viewer(self) -> str:
        if self._me is None:
            found = await self._query("query { viewer { login } }", {})
            self._me = str(needed(found.get("viewer"), "login"))
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
            ours = within(row, "base", "repo", "full_name") == needed(about, "full_name")
            if pull.merged == commit and pull.target == needed(about, "default_branch") and ours:
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
            if within(row, "app", "slug") == slug:
                found = (seal.run, whole(row), seal)
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
            Issue(whole(row, "number"), within(row, "user", "login"), within(row, "body"))
            async for row in rows
            if "pull_request" not in row
        ]

    async def open_issue(self, title: str, body: str) -> int:
        made = await self._rest.json("POST", f"{self._root}/issues", body={"title": title, "body": body})
        return whole(made, "number")

    async def edit_issue(self, number: int, title: str, body: str) -> None:
        await self._rest.json("PATCH", f"{self._root}/issues/{number}", body={"title": title, "body": body})

    async def close_issue(self, number: int, why: str) -> None:
        state = {"state": "closed", "state_reason": "completed", "body": why}
        await self._rest.json("PATCH", f"{self._root}/issues/{number}", body=state)

    async def planned(self, run: int, pull: PullRequest) -> bool:
        """A run that began before the target was changed had the workflow of another branch: anybody's, perhaps."""
        found = await self._rest.json("GET", f"{self._root}/actions/runs/{run}", also=(404,))
        if within(found, "head_sha") != pull.head or within(found, "head_repository", "full_name") != pull.source:
            return False
        events = self._rest.pages(f"{self._root}/issues/{pull.number}/timeline")
        moved = [within(row, "created_at") async for row in events if row.get("event") in _RETARGETED]
        return not moved or within(found, "created_at") > max(moved)

    async def documents(self, run: int, names: Collection[str]) -> AsyncIterator[bytes]:
        async for row in self._rest.pages(f"{self._root}/actions/runs/{run}/artifacts", key="artifacts"):
            here = not row.get("expired") and whole(row, "size_in_bytes") <= archive.LARGEST
            if here and within(row, "name").startswith(ARTIFACT):
                path = f"{self._root}/actions/artifacts/{whole(row)}/zip"
                for document in archive.documents(await self._rest.download(path, archive.LARGEST), names):
                    yield document

    async def _query(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        found = await self._graphql.json("POST", "", body={"query": query, "variables": variables})
        if not isinstance(found, dict) or found.get("errors"):
            errors = needed(found, "errors")
            told = safe(within(errors[0], "message"), 200) if isinstance(errors, list) else ""
            raise ForgeError(f"GitHub's GraphQL refused: {told}", hint="may the token do this?")
        return dict(needed(found, "data"))


def _pull(row: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        number=whole(row, "number"),
        head=within(row, "head", "sha"),
        source=within(row, "head", "repo", "full_name"),
        target=within(row, "base", "ref"),
        merged=within(row, "merge_commit_sha") if row.get("merged_at") else "",
    )


def _comment(row: Mapping[str, Any], on: int) -> Comment:
    author, body = within(row, "user", "login"), within(row, "body")
    return Comment(on, whole(row), author, body, within(row, "html_url"), within(row, "node_id"))


def _annotation(each: Annotation) -> dict[str, Any]:
    line = max(each.line, 1)
    return {
        "path": each.file, "start_line": line, "end_line": line, "annotation_level": _LEVELS[each.level],
        "title": each.title[:250], "message": each.message[:60_000],
    }  # fmt: skip

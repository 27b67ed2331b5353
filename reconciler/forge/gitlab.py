"""GitLab, over REST (version 4). A pull request is a merge request here, a check a commit status, a run a pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote

from reconciler.errors import ForgeError
from reconciler.forge import archive
from reconciler.forge.api import DOWNLOAD, Patience, needed, reach, whole, within
from reconciler.forge.nouns import Comment, Issue, PullRequest, Seal, Sealing
from reconciler.forge.surroundings import Surroundings

STATUS: Final = "reconciler/"
"""Before the app's name: what a commit status is called."""
JOB: Final = "plan"
"""How the name of a job with plans in its artifacts begins."""


class GitLab:
    """One project, with one token."""

    def __init__(self, where: Surroundings) -> None:
        patience = Patience()
        self._rest = reach(where, patience)
        self._files = reach(where, patience, largest=archive.LARGEST, timeout=DOWNLOAD)
        self._root = where.root
        self._page = where.page
        self._job_token = where.job_token
        self._me: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.close()
        await self._files.close()

    async def viewer(self) -> str:
        if self._job_token:
            raise ForgeError(
                "CI_JOB_TOKEN may not write here, nor say whose it is",
                hint="GITLAB_TOKEN: an access token of the project with the scope `api` and the role Developer",
                status=403,
            )
        if self._me is None:
            self._me = str(needed(await self._rest.json("GET", "user"), "username"))
        return self._me

    async def pull_request(self, number: int) -> PullRequest:
        return _pull(await self._rest.json("GET", f"{self._root}/merge_requests/{number}"))

    async def open_at(self, head: str, source: str) -> list[PullRequest]:
        rows = self._rest.pages(f"{self._root}/merge_requests", {"state": "opened"})
        found = [_pull(row) async for row in rows]
        return [pull for pull in found if pull.head == head and source in ("", pull.source)]

    async def merged_by(self, commit: str) -> PullRequest | None:
        about = await self._rest.json("GET", self._root)
        async for row in self._rest.pages(f"{self._root}/repository/commits/{commit}/merge_requests"):
            pull = _pull(row)
            ours = row.get("target_project_id") == whole(about)
            if pull.merged == commit and pull.target == needed(about, "default_branch") and ours:
                return pull
        return None

    async def touched(self, number: int) -> list[str]:
        rows = [row async for row in self._rest.pages(f"{self._root}/merge_requests/{number}/diffs")]
        return [str(row[key]) for row in rows for key in ("new_path", "old_path") if row.get(key)]

    async def comments(self, number: int) -> list[Comment]:
        rows = self._rest.pages(f"{self._notes(number)}", {"sort": "asc", "order_by": "created_at"})
        return [self._comment(row, number) async for row in rows if not row.get("system")]

    async def add_comment(self, number: int, body: str) -> Comment:
        return self._comment(await self._rest.json("POST", self._notes(number), body={"body": body}), number)

    async def edit_comment(self, comment: Comment, body: str) -> None:
        await self._rest.json("PUT", f"{self._notes(comment.on)}/{comment.id}", body={"body": body})

    async def hide(self, comment: Comment) -> None:
        """GitLab folds no comment away: that it is old, it says itself."""

    async def seals(self, head: str, pull: int) -> dict[str, Seal]:
        newest: dict[str, tuple[int, int, Seal]] = {}
        me = await self.viewer()
        async for row in self._rest.pages(f"{self._root}/repository/commits/{head}/statuses", {"all": "true"}):
            name = str(row.get("name"))
            app = name.removeprefix(STATUS).partition("/")[0]
            seal = Seal.read(app, str(row.get("description")))
            if not name.startswith(STATUS) or seal is None or seal.pull != pull:
                continue
            if _author(row) == me:
                found = (seal.run, whole(row), seal)
                newest[app] = max(newest.get(app, found), found, key=lambda each: each[:2])
        return {app: seal for app, (_, _, seal) in newest.items()}

    async def put_seal(self, head: str, sealing: Sealing) -> None:
        """A status that is a success can't become one again (400): then the run's number makes another name."""
        seal = sealing.seal
        status = {"state": "success", "name": f"{STATUS}{seal.app}", "description": str(seal)}
        status |= {"target_url": sealing.url} if sealing.url else {}
        path = f"{self._root}/statuses/{head}"
        answer = await self._rest.ask("POST", path, body=status, also=(400,))
        if answer.status == 400:
            await self._rest.ask("POST", path, body={**status, "name": f"{status['name']}/{seal.run}"})

    async def labels(self, number: int) -> set[str]:
        found = await self._rest.json("GET", f"{self._root}/merge_requests/{number}")
        return {str(name) for name in needed(found, "labels")}

    async def label(self, number: int, add: Mapping[str, str], remove: Sequence[str]) -> None:
        for name, colour in add.items():
            there = await self._rest.ask("GET", f"{self._root}/labels/{quote(name, safe='')}", also=(404,))
            if there.status == 404:  # 409: somebody else made it meanwhile
                made = {"name": name, "color": f"#{colour}"}
                await self._rest.ask("POST", f"{self._root}/labels", body=made, also=(409,))
        if add or remove:
            labels = {"add_labels": ",".join(add), "remove_labels": ",".join(remove)}
            await self._rest.json("PUT", f"{self._root}/merge_requests/{number}", body=labels)

    async def issues(self, author: str) -> list[Issue]:
        rows = self._rest.pages(f"{self._root}/issues", {"state": "opened", "author_username": author})
        return [Issue(whole(row, "iid"), _author(row), within(row, "description")) async for row in rows]

    async def open_issue(self, title: str, body: str) -> int:
        made = {"title": title, "description": body}
        return whole(await self._rest.json("POST", f"{self._root}/issues", body=made), "iid")

    async def edit_issue(self, number: int, title: str, body: str) -> None:
        await self._rest.json("PUT", f"{self._root}/issues/{number}", body={"title": title, "description": body})

    async def close_issue(self, number: int, why: str) -> None:
        closed = {"state_event": "close", "description": why}
        await self._rest.json("PUT", f"{self._root}/issues/{number}", body=closed)

    async def planned(self, run: int, pull: PullRequest) -> bool:
        """A pipeline of merged results has a commit of its own, but tells by its ref whose it is."""
        found = await self._rest.json("GET", f"{self._root}/pipelines/{run}", also=(404,))
        return within(found, "ref") == f"refs/merge-requests/{pull.number}/merge" or within(found, "sha") == pull.head

    async def documents(self, run: int, names: Collection[str]) -> AsyncIterator[bytes]:
        async for row in self._rest.pages(f"{self._root}/pipelines/{run}/jobs"):
            file = row.get("artifacts_file")
            here = isinstance(file, dict) and whole(file, "size") <= archive.LARGEST
            if here and within(row, "name").startswith(JOB):
                path = f"{self._root}/jobs/{whole(row)}/artifacts"
                for document in archive.documents(await self._files.download(path, archive.LARGEST), names):
                    yield document

    def _notes(self, number: int) -> str:
        return f"{self._root}/merge_requests/{number}/notes"

    def _comment(self, row: Mapping[str, Any], on: int) -> Comment:
        url = f"{self._page}/-/merge_requests/{on}#note_{whole(row)}" if self._page else ""
        return Comment(on, whole(row), _author(row), within(row, "body"), url)


def _pull(row: Mapping[str, Any]) -> PullRequest:
    head = within(row, "sha")
    made = within(row, "merge_commit_sha") or within(row, "squash_commit_sha") or head  # the last: fast-forward
    return PullRequest(
        number=whole(row, "iid"),
        head=head,
        source=str(row.get("source_project_id") or ""),
        target=within(row, "target_branch"),
        merged=made if row.get("state") == "merged" else "",
    )


def _author(row: Mapping[str, Any]) -> str:
    return within(row, "author", "username")

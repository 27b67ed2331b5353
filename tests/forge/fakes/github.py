"""A GitHub of one repository: what `reconciler comment` and `approved` use of it, with its state in plain lists.

In a test:

    fake = GitHub()
    with fake.running() as url:
        environment = fake.environment()          # GITHUB_API_URL, GITHUB_TOKEN, GITHUB_REPOSITORY, …
        pull = fake.open_pull(head="a" * 40)      # and push, merge, run, say, fault …
        …                                         # then look at fake.comments, fake.checks, fake.pulls, …

As a process: `python -m tests.forge.fakes.github --port 0` prints its base URL. `POST /_fake/open_pull` with a JSON
object of arguments calls that method, `GET /_fake/comments` reads that list. Artifacts go in as text there.

Who a token is, and what it may do, is in `tokens`. `leaked` has every token that came to the artifacts' storage,
which is another host (localhost rather than 127.0.0.1).
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tests.forge.fakes.serving import Asked, Fake, Refused, Reply, main

BOT = "github-actions[bot]"
EVERYTHING = {"contents": "write", "issues": "write", "pull-requests": "write", "checks": "write", "actions": "read"}
READ_ONLY = {"contents": "read", "issues": "read", "pull-requests": "read", "checks": "read", "actions": "read"}


class GitHub(Fake):
    def __init__(self, repository: str = "contoso/access") -> None:
        super().__init__()
        self.repository = repository
        self.default_branch = "main"
        self.tokens: dict[str, tuple[str, dict[str, str]]] = {
            "job-token-of-the-base": (BOT, dict(EVERYTHING)),
            "job-token-of-a-fork": (BOT, dict(READ_ONLY)),
            "token-of-a-person-somewhere": ("mallory", dict(EVERYTHING)),
        }
        self.pulls: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.labels: dict[str, str] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.artifacts: dict[int, dict[str, Any]] = {}
        self.leaked: list[str] = []
        self.no_folding = False

    # -- what people and their jobs do

    def environment(self, token: str = "job-token-of-the-base", run: int | None = None) -> dict[str, str]:
        """As Actions sets it."""
        found = {
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_SERVER_URL": "https://github.example.com",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_TOKEN": token,
        }
        return found if run is None else {**found, "GITHUB_RUN_ID": str(run)}

    def open_pull(self, head: str, source: str = "", branch: str = "change", files: list[str] | None = None) -> int:
        """The number. `source`: the repository of a fork."""
        number = self._number()
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "head": {"sha": head, "ref": branch, "repo": {"full_name": source or self.repository}},
            "base": {"ref": self.default_branch, "repo": {"full_name": self.repository}},
            "merged_at": None,
            "merge_commit_sha": "0" * 40,  # of a merge that was only tried
            "labels": [],
            "events": [{"event": "labeled", "created_at": self.now()}],
            "files": files or ["desired-state/groups/social-media.yaml"],
        }
        return number

    def push(self, number: int, head: str) -> None:
        self.pulls[number]["head"]["sha"] = head

    def retarget(self, number: int, branch: str) -> None:
        self.pulls[number]["base"]["ref"] = branch
        self.pulls[number]["events"].append({"event": "base_ref_changed", "created_at": self.now()})

    def merge(self, number: int) -> str:
        """The commit that merging makes on the default branch."""
        pull = self.pulls[number]
        commit = hashlib.sha1(f"{number} {pull['head']['sha']}".encode()).hexdigest()
        pull.update(state="closed", merged_at="2026-11-26T13:00:00Z", merge_commit_sha=commit)
        return commit

    def say(self, number: int, author: str, body: str) -> int:
        """A comment of a person."""
        return int(self._comment(number, author, body)["id"])

    def edit(self, comment: int, body: str) -> None:
        """By somebody who may edit what others wrote."""
        next(each for each in self.comments if each["id"] == comment)["body"] = body

    def run(
        self, head: str, files: Mapping[str, bytes | str] | None = None, source: str = "", artifact: str = "plan"
    ) -> int:
        """A run for the commit `head`, with an artifact that has these files."""
        number = self.next_id()
        self.runs[number] = {
            "id": number, "head_sha": head, "event": "pull_request", "created_at": self.now(),
            "head_repository": {"full_name": source or self.repository},
        }  # fmt: skip
        if files is not None:
            self.upload(number, archive(files), artifact)
        return number

    def upload(self, run: int, data: bytes, name: str = "plan") -> int:
        number = self.next_id()
        row = {"id": number, "name": name, "expired": False, "size_in_bytes": len(data)}
        self.artifacts[number] = {"row": row, "run": run, "data": data}
        return number

    def reports(self, number: int) -> list[dict[str, Any]]:
        """The workflow's comments that are not folded away."""
        return [
            c for c in self.comments if c["issue"] == number and c["user"]["login"] == BOT and not c["minimized"]
        ]  # fmt: skip

    def labelled(self, number: int) -> set[str]:
        return set(self.pulls[number]["labels"])

    # -- the API

    def routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        root = f"/repos/{re.escape(self.repository)}"
        number, sha, id_ = r"(?P<number>\d+)", r"(?P<sha>[0-9a-f]{40})", r"(?P<key>\d+)"
        return {
            ("GET", root): self._about,
            ("GET", f"{root}/pulls"): self._list_pulls,
            ("GET", f"{root}/pulls/{number}"): self._one_pull,
            ("GET", f"{root}/pulls/{number}/files"): self._list_files,
            ("GET", f"{root}/commits/{sha}/pulls"): self._pulls_of,
            ("GET", f"{root}/commits/{sha}/check-runs"): self._list_checks,
            ("POST", f"{root}/check-runs"): self._add_check,
            ("GET", f"{root}/issues"): self._list_issues,
            ("POST", f"{root}/issues"): self._add_issue,
            ("PATCH", f"{root}/issues/{number}"): self._edit_issue,
            ("GET", f"{root}/issues/{number}/timeline"): self._timeline,
            ("GET", f"{root}/issues/{number}/comments"): self._list_comments,
            ("POST", f"{root}/issues/{number}/comments"): self._add_comment,
            ("PATCH", f"{root}/issues/comments/{id_}"): self._edit_comment,
            ("GET", f"{root}/issues/{number}/labels"): self._list_labels,
            ("POST", f"{root}/issues/{number}/labels"): self._add_labels,
            ("DELETE", f"{root}/issues/{number}/labels/(?P<name>[^/]+)"): self._drop_label,
            ("GET", f"{root}/labels/(?P<name>[^/]+)"): self._get_label,
            ("POST", f"{root}/labels"): self._make_label,
            ("GET", f"{root}/actions/runs/{id_}"): self._run,
            ("GET", f"{root}/actions/runs/{id_}/artifacts"): self._list_artifacts,
            ("GET", f"{root}/actions/artifacts/{id_}/zip"): self._artifact,
            ("GET", f"/storage/{id_}"): self._stored,
            ("POST", "/graphql"): self._graphql,
        }

    def _may(self, asked: Asked, *permissions: str) -> str:
        """Who asks. Refused unless the token may write to one of `permissions` (none: whoever has a token)."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refused(401, "Bad credentials")
        login, granted = self.tokens[token]
        if permissions and not any(granted.get(name) == "write" for name in permissions):
            raise Refused(403, "Resource not accessible by integration")
        return login

    def _pull(self, number: str) -> dict[str, Any]:
        if int(number) not in self.pulls:
            raise Refused(404, "Not Found")
        return {**self.pulls[int(number)], "labels": self._labels_of(number)}

    def _about(self, asked: Asked) -> Reply:
        self._may(asked)
        return 200, {"full_name": self.repository, "default_branch": self.default_branch}

    def _one_pull(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, self._pull(number)

    def _list_pulls(self, asked: Asked) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [p for p in self.pulls.values() if p["state"] == asked.query["state"]])

    def _list_files(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [{"filename": name} for name in self.pulls[int(number)]["files"]])

    def _pulls_of(self, asked: Asked, sha: str) -> Reply:
        """Those that merged the commit; and those whose newest commit it is."""
        self._may(asked)
        found = [
            pull
            for pull in self.pulls.values()
            if sha == pull["head"]["sha"] or (pull["merged_at"] and sha == pull["merge_commit_sha"])
        ]
        return 200, *self.page(asked, found)

    def _list_checks(self, asked: Asked, sha: str) -> Reply:
        self._may(asked)
        found = [check for check in self.checks if check["head_sha"] == sha]
        part, headers = self.page(asked, found)
        return 200, {"total_count": len(found), "check_runs": part}, headers

    def _add_check(self, asked: Asked) -> Reply:
        login = self._may(asked, "checks")
        if not login.endswith("[bot]"):
            raise Refused(403, "You must authenticate via a GitHub App.")
        output = asked.body["output"]
        if len(output["summary"].encode()) > 65_535 or len(output["annotations"]) > 50:
            raise Refused(422, "Invalid request.")
        check = {**asked.body, "id": self.next_id(), "app": {"slug": login.removesuffix("[bot]")}}
        self.checks.append(check)
        return 201, check

    def _list_issues(self, asked: Asked) -> Reply:
        self._may(asked)
        pulls = [{"number": n, "user": {"login": "somebody"}, "body": "", "pull_request": {}} for n in self.pulls]
        found = [
            each
            for each in self.issues.values()
            if each["state"] == asked.query.get("state", "open")
            and asked.query.get("creator", each["user"]["login"]) == each["user"]["login"]
        ]
        return 200, *self.page(asked, [*pulls, *found])

    def _add_issue(self, asked: Asked) -> Reply:
        author = self._may(asked, "issues")
        return 201, self._new_issue(author, asked.body["title"], asked.body["body"])

    def open_issue(self, author: str, title: str, body: str) -> int:
        """By somebody."""
        return int(self._new_issue(author, title, body)["number"])

    def _new_issue(self, author: str, title: str, body: str) -> dict[str, Any]:
        _short(body)
        number = self._number()
        self.issues[number] = {
            "number": number, "title": title, "body": body, "state": "open", "user": {"login": author},
        }  # fmt: skip
        return self.issues[number]

    def _edit_issue(self, asked: Asked, number: str) -> Reply:
        self._may(asked, "issues")
        _short(asked.body.get("body", ""))
        self.issues[int(number)].update(asked.body)
        return 200, self.issues[int(number)]

    def _timeline(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, self.pulls[int(number)]["events"])

    def _list_comments(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [c for c in self.comments if c["issue"] == int(number)])

    def _add_comment(self, asked: Asked, number: str) -> Reply:
        return 201, self._comment(int(number), self._may(asked, "issues", "pull-requests"), asked.body["body"])

    def _comment(self, number: int, author: str, body: str) -> dict[str, Any]:
        if number not in self.pulls and number not in self.issues:
            raise Refused(404, "Not Found")
        _short(body)
        id_ = self.next_id()
        comment = {
            "id": id_, "node_id": f"IC_{id_}", "issue": number, "user": {"login": author}, "body": body,
            "minimized": False, "html_url": f"https://github.example.com/{self.repository}/pull/{number}#{id_}",
        }  # fmt: skip
        self.comments.append(comment)
        return comment

    def _edit_comment(self, asked: Asked, key: str) -> Reply:
        self._may(asked, "issues", "pull-requests")
        _short(asked.body["body"])
        for comment in self.comments:
            if comment["id"] == int(key):
                comment["body"] = asked.body["body"]
                return 200, comment
        raise Refused(404, "Not Found")

    def _labels_of(self, number: str) -> list[dict[str, str]]:
        return [{"name": name, "color": self.labels[name]} for name in self.pulls[int(number)]["labels"]]

    def _list_labels(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, self._labels_of(number))

    def _add_labels(self, asked: Asked, number: str) -> Reply:
        self._may(asked, "issues", "pull-requests")
        for name in asked.body["labels"]:
            self.labels.setdefault(name, "random")
            if name not in self.pulls[int(number)]["labels"]:
                self.pulls[int(number)]["labels"].append(name)
        return 200, self._labels_of(number)

    def _drop_label(self, asked: Asked, number: str, name: str) -> Reply:
        self._may(asked, "issues", "pull-requests")
        there = self.pulls[int(number)]["labels"]
        if _unquoted(name) not in there:
            raise Refused(404, "Label does not exist")
        there.remove(_unquoted(name))
        return 200, self._labels_of(number)

    def _get_label(self, asked: Asked, name: str) -> Reply:
        self._may(asked)
        if _unquoted(name) not in self.labels:
            raise Refused(404, "Not Found")
        return 200, {"name": _unquoted(name), "color": self.labels[_unquoted(name)]}

    def _make_label(self, asked: Asked) -> Reply:
        self._may(asked, "issues", "pull-requests")
        if asked.body["name"] in self.labels:
            raise Refused(422, "Validation Failed")
        self.labels[asked.body["name"]] = asked.body["color"]
        return 201, asked.body

    def _run(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        if int(key) not in self.runs:
            raise Refused(404, "Not Found")
        return 200, self.runs[int(key)]

    def _list_artifacts(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        found = [each["row"] for each in self.artifacts.values() if each["run"] == int(key)]
        part, headers = self.page(asked, found)
        return 200, {"total_count": len(found), "artifacts": part}, headers

    def _artifact(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        if self.artifacts[int(key)]["row"]["expired"]:
            raise Refused(410, "Artifact has expired")
        storage = self.url.replace("127.0.0.1", "localhost")
        return 302, None, {"location": f"{storage}/storage/{key}?sig=a%2Fb%3D%3D&se=2026"}

    def _stored(self, asked: Asked, key: str) -> Reply:
        self.leaked += [value for name, value in asked.headers.items() if name in ("authorization", "private-token")]
        if asked.query.get("sig") != "a/b==":
            raise Refused(403, "AuthenticationFailed")
        return 200, self.artifacts[int(key)]["data"]

    def _graphql(self, asked: Asked) -> Reply:
        if "minimizeComment" in asked.body["query"]:
            self._may(asked, "issues", "pull-requests")
            for comment in self.comments if not self.no_folding else ():
                if comment["node_id"] == asked.body["variables"]["id"]:
                    comment["minimized"] = True
                    return 200, {"data": {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}}
            return 200, {"data": {"minimizeComment": None}, "errors": [{"message": "Could not resolve to a node"}]}
        return 200, {"data": {"viewer": {"login": self._may(asked)}}}

    def _number(self) -> int:
        return 1 + max([*self.pulls, *self.issues], default=0)


def archive(files: Mapping[str, bytes | str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return made.getvalue()


def _short(body: str) -> None:
    if len(body.encode("utf-16-le")) // 2 > 65_536 or len(body.encode()) > 262_144:
        raise Refused(422, "Body is too long (maximum is 65536 characters)")


def _unquoted(name: str) -> str:
    from urllib.parse import unquote

    return unquote(name)


if __name__ == "__main__":
    main(GitHub())

"""A GitLab of one project: what `reconciler comment` and `approved` use of it, with its state in plain lists.

In a test:

    fake = GitLab()
    with fake.running() as url:
        environment = fake.environment()          # CI_API_V4_URL, GITLAB_TOKEN, CI_PROJECT_ID, …
        number = fake.open_pull(head="a" * 40)    # and push, merge, run, say, fault …

As a process: `python -m tests.forge.fakes.gitlab --port 0` prints its base URL; `/_fake/NAME` as of the fake GitHub.
Notes and descriptions run lines that begin with a slash as commands of whoever sends them: they are in `commands`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from tests.forge.fakes.github import archive
from tests.forge.fakes.serving import Asked, Fake, Refused, Reply, main

BOT = "project_7_bot"
PROJECT = 7


class GitLab(Fake):
    def __init__(self) -> None:
        super().__init__()
        self.default_branch = "main"
        self.tokens: dict[str, tuple[str, bool]] = {
            "token-of-the-project": (BOT, True),
            "token-of-a-reader": ("reader", False),
            "token-of-a-person-somewhere": ("mallory", True),
        }
        self.job_tokens = {"job-token-of-the-project"}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.labels: dict[str, str] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.data: dict[int, bytes] = {}
        self.commands: list[tuple[str, str]] = []

    # -- what people and their jobs do

    def environment(
        self, token: str = "token-of-the-project", number: int | None = None, run: int | None = None
    ) -> dict[str, str]:
        """As GitLab CI sets it; of a merge request's pipeline with its `number`."""
        found = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": str(PROJECT),
            "CI_PROJECT_URL": "https://gitlab.example.com/contoso/access",
            "CI_JOB_TOKEN": "job-token-of-the-project",
        }
        found |= {"GITLAB_TOKEN": token} if token else {}
        found |= {"CI_PIPELINE_ID": str(run)} if run is not None else {}
        if number is not None:
            head = self.pulls[number]["sha"]
            found |= {"CI_MERGE_REQUEST_IID": str(number), "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head}
        return found

    def open_pull(self, head: str, files: list[str] | None = None, project: int = PROJECT) -> int:
        """The number. `project`: that of a fork."""
        number = 1 + max(self.pulls, default=0)
        self.pulls[number] = {
            "iid": number, "sha": head, "state": "opened", "target_branch": self.default_branch,
            "source_project_id": project, "target_project_id": PROJECT, "merge_commit_sha": None,
            "squash_commit_sha": None, "labels": [], "files": files or ["desired-state/groups/social-media.yaml"],
        }  # fmt: skip
        return number

    def push(self, number: int, head: str) -> None:
        self.pulls[number]["sha"] = head

    def merge(self, number: int) -> str:
        """The commit that merging makes on the default branch."""
        pull = self.pulls[number]
        commit = hashlib.sha1(f"{number} {pull['sha']}".encode()).hexdigest()
        pull.update(state="merged", merge_commit_sha=commit)
        return commit

    def say(self, number: int, author: str, body: str) -> int:
        return int(self._note(number, author, body)["id"])

    def edit(self, comment: int, body: str) -> None:
        next(each for each in self.comments if each["id"] == comment)["body"] = body

    def run(self, head: str, files: Mapping[str, bytes | str] | None = None, ref: str = "change") -> int:
        """A pipeline for the commit `head`, with a job that has these files."""
        number = self.next_id()
        self.runs[number] = {"id": number, "sha": head, "ref": ref}
        if files is not None:
            job = self.next_id()
            self.data[job] = archive(files)
            self.jobs.append(
                {"id": job, "name": "plan:app", "pipeline": number, "artifacts_file": {"size": len(self.data[job])}}
            )
        return number

    def open_issue(self, author: str, title: str, body: str) -> int:
        return int(self._new_issue(author, title, body)["iid"])

    def labelled(self, number: int) -> set[str]:
        return set(self.pulls[number]["labels"])

    def written(self, number: int) -> list[str]:
        """What the project's bot says on a merge request."""
        return [c["body"] for c in self.comments if c["on"] == number and c["author"]["username"] == BOT]

    # -- the API

    def routes(self) -> dict[tuple[str, str], Callable[..., Reply]]:
        root = f"/api/v4/projects/{PROJECT}"
        number, sha, key = r"(?P<number>\d+)", r"(?P<sha>[0-9a-f]{40})", r"(?P<key>\d+)"
        merge = f"{root}/merge_requests"
        return {
            ("GET", "/api/v4/user"): self._user,
            ("GET", root): self._about,
            ("GET", merge): self._list_pulls,
            ("GET", f"{merge}/{number}"): self._one_pull,
            ("PUT", f"{merge}/{number}"): self._edit_pull,
            ("GET", f"{merge}/{number}/diffs"): self._diffs,
            ("GET", f"{merge}/{number}/notes"): self._list_notes,
            ("POST", f"{merge}/{number}/notes"): self._add_note,
            ("PUT", f"{merge}/{number}/notes/{key}"): self._edit_note,
            ("GET", f"{root}/repository/commits/{sha}/merge_requests"): self._pulls_of,
            ("GET", f"{root}/repository/commits/{sha}/statuses"): self._list_statuses,
            ("POST", f"{root}/statuses/{sha}"): self._add_status,
            ("GET", f"{root}/labels/(?P<name>[^/]+)"): self._get_label,
            ("POST", f"{root}/labels"): self._make_label,
            ("GET", f"{root}/issues"): self._list_issues,
            ("POST", f"{root}/issues"): self._add_issue,
            ("PUT", f"{root}/issues/{number}"): self._edit_issue,
            ("GET", f"{root}/pipelines/{key}"): self._run,
            ("GET", f"{root}/pipelines/{key}/jobs"): self._list_jobs,
            ("GET", f"{root}/jobs/{key}/artifacts"): self._artifacts,
        }

    def _may(self, asked: Asked, *, write: bool = False) -> str:
        """A job's own token reads what the job may read, and writes nothing."""
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if asked.headers.get("job-token") in self.job_tokens and not write:
            return "nobody"
        if token not in self.tokens:
            raise Refused(401, "401 Unauthorized")
        login, may_write = self.tokens[token]
        if write and not may_write:
            raise Refused(403, "403 Forbidden")
        return login

    def _user(self, asked: Asked) -> Reply:
        return 200, {"username": self._may(asked)}

    def _about(self, asked: Asked) -> Reply:
        self._may(asked)
        return 200, {"id": PROJECT, "default_branch": self.default_branch}

    def _pull(self, number: str) -> dict[str, Any]:
        if int(number) not in self.pulls:
            raise Refused(404, "404 Not found")
        return self.pulls[int(number)]

    def _list_pulls(self, asked: Asked) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [p for p in self.pulls.values() if p["state"] == asked.query["state"]])

    def _one_pull(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        return 200, self._pull(number)

    def _edit_pull(self, asked: Asked, number: str) -> Reply:
        self._may(asked, write=True)
        there = self._pull(number)["labels"]
        add, remove = (list(filter(None, asked.body[f"{verb}_labels"].split(","))) for verb in ("add", "remove"))
        for name in add:
            self.labels.setdefault(name, "random")
        self._pull(number)["labels"] = [*(name for name in there if name not in remove and name not in add), *add]
        return 200, self._pull(number)

    def _diffs(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        files = [{"new_path": name, "old_path": name} for name in self._pull(number)["files"]]
        return 200, *self.page(asked, files)

    def _list_notes(self, asked: Asked, number: str) -> Reply:
        self._may(asked)
        assert asked.query["sort"] == "asc", "GitLab begins with the newest"
        return 200, *self.page(asked, [c for c in self.comments if c["on"] == int(number)])

    def _add_note(self, asked: Asked, number: str) -> Reply:
        author = self._may(asked, write=True)
        self._pull(number)
        self._obey(author, asked.body["body"])
        return 201, self._note(int(number), author, asked.body["body"])

    def _note(self, number: int, author: str, body: str) -> dict[str, Any]:
        note = {"id": self.next_id(), "on": number, "author": {"username": author}, "body": body, "system": False}
        self.comments.append(note)
        return note

    def _edit_note(self, asked: Asked, number: str, key: str) -> Reply:
        author = self._may(asked, write=True)
        self._obey(author, asked.body["body"])
        for note in self.comments:
            if note["id"] == int(key) and note["on"] == int(number):
                note["body"] = asked.body["body"]
                return 200, note
        raise Refused(404, "404 Not found")

    def _obey(self, author: str, body: str) -> None:
        self.commands += [(author, line) for line in body.splitlines() if line.startswith("/")]

    def _pulls_of(self, asked: Asked, sha: str) -> Reply:
        self._may(asked)
        keys = ("sha", "merge_commit_sha", "squash_commit_sha")
        return 200, *self.page(asked, [p for p in self.pulls.values() if sha in [p[key] for key in keys]])

    def _list_statuses(self, asked: Asked, sha: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [check for check in self.checks if check["sha"] == sha])

    def _add_status(self, asked: Asked, sha: str) -> Reply:
        author = self._may(asked, write=True)
        if any(c["sha"] == sha and c["name"] == asked.body["name"] for c in self.checks):
            raise Refused(400, "Cannot transition status via :succeed from :success")
        assert len(asked.body["description"]) <= 255
        self.checks.append({**asked.body, "id": self.next_id(), "sha": sha, "author": {"username": author}})
        return 201, self.checks[-1]

    def _get_label(self, asked: Asked, name: str) -> Reply:
        self._may(asked)
        if unquote(name) not in self.labels:
            raise Refused(404, "404 Label Not Found")
        return 200, {"name": unquote(name)}

    def _make_label(self, asked: Asked) -> Reply:
        self._may(asked, write=True)
        if asked.body["name"] in self.labels:
            raise Refused(409, "Label already exists")
        self.labels[asked.body["name"]] = asked.body["color"]
        return 201, asked.body

    def _list_issues(self, asked: Asked) -> Reply:
        self._may(asked)
        query = asked.query
        found = [
            each
            for each in self.issues.values()
            if each["state"] == query["state"] and each["author"]["username"] == query["author_username"]
        ]
        return 200, *self.page(asked, found)

    def _add_issue(self, asked: Asked) -> Reply:
        author = self._may(asked, write=True)
        self._obey(author, asked.body["description"])
        return 201, self._new_issue(author, asked.body["title"], asked.body["description"])

    def _new_issue(self, author: str, title: str, body: str) -> dict[str, Any]:
        number = 1 + max(self.issues, default=0)
        self.issues[number] = {
            "iid": number, "title": title, "description": body, "state": "opened", "author": {"username": author},
        }  # fmt: skip
        return self.issues[number]

    def _edit_issue(self, asked: Asked, number: str) -> Reply:
        author = self._may(asked, write=True)
        self._obey(author, asked.body["description"])
        told = dict(asked.body)
        if told.pop("state_event", "") == "close":
            told["state"] = "closed"
        self.issues[int(number)].update(told)
        return 200, self.issues[int(number)]

    def _run(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        if int(key) not in self.runs:
            raise Refused(404, "404 Not found")
        return 200, self.runs[int(key)]

    def _list_jobs(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        return 200, *self.page(asked, [job for job in self.jobs if job["pipeline"] == int(key)])

    def _artifacts(self, asked: Asked, key: str) -> Reply:
        self._may(asked)
        return 200, self.data[int(key)]


if __name__ == "__main__":
    main(GitLab())

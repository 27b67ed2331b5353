"""The API of the forge, for the jobs of one repository: each has a token with its own permissions, for reading too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.forge.fakes.github import BOT, GitHub, archive
from tests.forge.fakes.serving import Asked, Refused
from tests.workflows.runner import Run

_SCOPES: Final = (
    (r"/check-runs", "checks"),
    (r"/actions/", "actions"),
    (r"/pulls", "pull-requests"),
    (r"/(issues|labels)", "issues"),
)
FORK: Final = "mallory/access"


class Hub(GitHub):
    """A private repository: what a job may not read, it does not get."""

    def token(self, permissions: Mapping[str, str]) -> str:
        made = f"token-of-a-job-{self.next_id()}"
        self.tokens[made] = (BOT, dict(permissions))
        return made

    def uploaded(self, run: Run, name: str, content: Mapping[str, bytes]) -> None:
        self.upload(run.id, archive(content), name)

    def began(self, run: Run) -> None:
        source = FORK if run.fork else self.repository
        self.runs[run.id] = {
            "id": run.id, "head_sha": run.head_sha, "event": run.event_name, "head_repository": {"full_name": source},
        }  # fmt: skip

    def ended(self, run: Run) -> None:
        self.runs[run.id]["status"] = "completed"

    def opened(self, head: str, base: str, files: list[str], *, fork: bool) -> int:
        number = self.open_pull(head, FORK if fork else "", files=files)
        self.pulls[number]["base"]["ref"] = base
        return number

    def merged(self, number: int, commit: str) -> None:
        self.pulls[number].update(state="closed", merged_at="2026-11-26T13:00:00Z", merge_commit_sha=commit)

    def open_issues(self) -> list[dict[str, Any]]:
        return [each for each in self.issues.values() if each["state"] == "open"]

    def _may(self, asked: Asked, *permissions: str) -> str:
        login = super()._may(asked, *permissions)
        _, granted = self.tokens[asked.headers["authorization"].removeprefix("Bearer ")]
        for pattern, scope in _SCOPES:
            if re.search(pattern, asked.path):
                if scope not in granted and not (scope == "issues" and "pull-requests" in granted):
                    raise Refused(403, f"Resource not accessible by integration: {scope}")
                break
        return login

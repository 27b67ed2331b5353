"""Where this runs: what GitHub Actions and GitLab CI say of themselves in the environment.

The address of the API and the token come from there alone, and belong together: no file, no option and no answer can
name another address for the token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson

from reconciler.errors import ForgeError, UsageError

GONE: Final = "(gone)"
"""A fork that was deleted meanwhile: no pull request is from there."""
Kind = Literal["github", "gitlab"]
_PART: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.-]+"
"""Of a name. Dots alone would lead to another address."""
_REPOSITORY: Final = re.compile(f"{_PART}/{_PART}")
_PROJECT: Final = re.compile(rf"\d+|{_PART}(/{_PART})+")
_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WHENCE: Final = "in a step: `env: {GITHUB_TOKEN: ${{ github.token }}}`; elsewhere an access token of your own"
_LARGEST: Final = 32 * 1024 * 1024  # bytes of an event


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`repository`: OWNER/NAME; of GitLab a path, as people write it, or a number. `head` is the newest commit of the
    pull request that the run is about, `source` the repository that it is in, "" where nothing says it. `run` has the
    plan in its artifacts.
    """

    kind: Kind
    api: str
    token: str = field(repr=False)
    repository: str
    graphql: str = ""
    page: str = ""
    """For people, of the repository that the run is in."""
    job_token: bool = False
    """It is the job's own of GitLab, which goes into another header and may do little."""
    number: int | None = None
    head: str = ""
    source: str = ""
    run: int = 0
    summary: Path | None = None

    @property
    def root(self) -> str:
        """Of all that the API knows about the repository."""
        return f"repos/{self.repository}" if self.kind == "github" else f"projects/{quote(self.repository, safe='')}"

    @property
    def run_url(self) -> str:
        """For people. "" where nothing says it."""
        if not self.run or not self.page:
            return ""
        return f"{self.page}/{'actions/runs' if self.kind == 'github' else '-/pipelines'}/{self.run}"

    def about(self, *, number: int | None, head: str | None) -> Surroundings:
        """With what the command line says. Raises UsageError for what can't be such."""
        if number is not None and head is not None:
            raise UsageError("--pull-request and --head both say which pull request", hint="leave one out")
        found = self
        if head is not None:
            if found.source and head != found.head:
                raise UsageError("--head is another commit than the run's was", hint="leave it out")
            found = replace(found, head=sha(head, "--head"), number=None)
        if number is not None:
            found = replace(found, number=number, head="", source="")
        return found


def sha(text: str, option: str) -> str:
    """A whole commit's id. Raises UsageError for anything else: a branch moves."""
    if not _SHA.fullmatch(text):
        raise UsageError(f"{option} {text[:80]!r} is not the whole id of a commit", hint="40 hexadecimal digits")
    return text


def surroundings(
    environ: Mapping[str, str], kind: str | None = None, repository: str | None = None, *, hint: str = ""
) -> Surroundings:
    """`kind`: github or gitlab, and `repository`, where not the environment decides. `hint`: how else a repository is
    named than by an option. Raises UsageError where something is missing.
    """
    if kind is None:
        kind = "gitlab" if environ.get("GITLAB_CI") else "github"
    return _gitlab(environ, repository, hint) if kind == "gitlab" else _github(environ, repository, hint)


def _github(environ: Mapping[str, str], repository: str | None, hint: str) -> Surroundings:
    token = environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise UsageError("GITHUB_TOKEN is not set", hint=_WHENCE)
    api = environ.get("GITHUB_API_URL", "").rstrip("/") or "https://api.github.com"
    graphql = environ.get("GITHUB_GRAPHQL_URL", "").rstrip("/") or f"{api.removesuffix('/v3')}/graphql"
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    summary = environ.get("GITHUB_STEP_SUMMARY", "")
    own = environ.get("GITHUB_REPOSITORY", "")
    server = environ.get("GITHUB_SERVER_URL", "").rstrip("/")
    found = Surroundings(
        kind="github",
        api=api,
        graphql=graphql,
        token=token,
        repository=_repository(own if repository is None else repository, "github", hint),
        page=f"{server}/{own}" if server and own else "",
        run=_number(environ.get("GITHUB_RUN_ID")) or 0,
        summary=Path(summary) if summary else None,
    )
    run = event.get("workflow_run")
    if isinstance(run, dict):
        source = (run.get("head_repository") or {}).get("full_name") or GONE
        return replace(found, head=str(run.get("head_sha") or ""), source=source, run=_number(run.get("id")) or 0)
    pull = event.get("pull_request")
    if isinstance(pull, dict):
        head = (pull.get("head") or {}).get("sha")
        return replace(found, number=_number(pull.get("number")), head=str(head or ""))
    return found


def _gitlab(environ: Mapping[str, str], repository: str | None, hint: str) -> Surroundings:
    token = environ.get("GITLAB_TOKEN", "").strip()
    own = environ.get("CI_JOB_TOKEN", "").strip()
    api = environ.get("CI_API_V4_URL", "").rstrip("/")
    if not api:
        raise UsageError("CI_API_V4_URL is not set", hint="GitLab CI sets it: https://gitlab.example.com/api/v4")
    if not token and not own:
        raise UsageError("GITLAB_TOKEN is not set", hint="an access token of the project with the scope `api`")
    project = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID", "")
    return Surroundings(
        kind="gitlab",
        api=api,
        token=token or own,
        job_token=not token,
        repository=_repository(project if repository is None else repository, "gitlab", hint),
        page=environ.get("CI_PROJECT_URL", "").rstrip("/"),
        number=_number(environ.get("CI_MERGE_REQUEST_IID")),
        head=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "") or environ.get("CI_COMMIT_SHA", ""),
        run=_number(environ.get("CI_PIPELINE_ID")) or 0,
    )


def _repository(name: str, kind: Kind, hint: str) -> str:
    pattern = _REPOSITORY if kind == "github" else _PROJECT
    if not pattern.fullmatch(name):
        option = "--repository OWNER/NAME" if kind == "github" else "--repository GROUP/NAME, or the project's number"
        raise UsageError(f"{name[:80]!r} is no repository" if name else "no repository is named", hint=hint or option)
    return name


def _number(value: Any) -> int | None:
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _event(path: str) -> dict[str, Any]:
    """What set the workflow off; {} where there is none."""
    if not path:
        return {}
    try:
        with Path(path).open("rb") as stream:
            found = orjson.loads(stream.read(_LARGEST))
    except (OSError, ValueError) as error:
        raise ForgeError("the event of GITHUB_EVENT_PATH can't be read", hint="name the pull request") from error
    return found if isinstance(found, dict) else {}

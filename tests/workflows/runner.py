"""GitHub Actions, as far as our workflows use them: events, jobs, environments, permissions, artifacts. The lines of
`run:` are run as they stand, by bash, in a clone of a scratch repository. What is not known here fails.

What GitHub would refuse is refused: a secret outside of its environment, an environment outside of its branch, a push
without `contents: write`, anything but reading for a fork, reading of a private repository without the token.
"""

from __future__ import annotations

import fnmatch
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from ruamel.yaml import YAML

from tests.workflows.expressions import as_text, filled, holds

REPOSITORY: Final = Path(__file__).parents[2]
SECONDS: Final = 120


class Api(Protocol):
    """The forge's API, as a job meets it."""

    url: str

    def token(self, permissions: Mapping[str, str]) -> str:
        """Of one job, with these permissions and no other."""

    def uploaded(self, run: Run, name: str, content: Mapping[str, bytes]) -> None:
        """An artifact."""

    def began(self, run: Run) -> None: ...

    def ended(self, run: Run) -> None: ...


class NoApi:
    """For workflows that ask no forge."""

    url = "http://127.0.0.1:9"

    def token(self, permissions: Mapping[str, str]) -> str:
        return "token-of-the-job"

    def uploaded(self, run: Run, name: str, content: Mapping[str, bytes]) -> None:
        pass

    def began(self, run: Run) -> None:
        pass

    def ended(self, run: Run) -> None:
        pass


@dataclass
class Environment:
    secrets: dict[str, str] = field(default_factory=dict)
    approves: Callable[[], bool] = lambda: True
    """Its reviewers."""


@dataclass
class Step:
    name: str
    outcome: str
    """success, failure or skipped: before `continue-on-error`."""
    log: str = ""


@dataclass
class Job:
    name: str
    matrix: dict[str, Any]
    result: str = "success"
    why: str = ""
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    """Every variable that any step was given."""

    @property
    def log(self) -> str:
        return "\n".join(f"== {step.name}: {step.outcome}\n{step.log}" for step in self.steps)


@dataclass
class Run:
    id: int
    workflow: str
    event: dict[str, Any]
    event_name: str
    sha: str
    ref: str
    head_sha: str
    fork: bool
    jobs: list[Job] = field(default_factory=list)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def conclusion(self) -> str:
        results = {job.result for job in self.jobs}
        return "failure" if "failure" in results else "success" if "success" in results else "skipped"

    @property
    def log(self) -> str:
        return "\n".join(f"=== {self.workflow}/{job.name} {job.result} {job.why}\n{job.log}" for job in self.jobs)

    def job(self, name: str) -> Job:
        (found,) = [job for job in self.jobs if job.name == name]
        return found


def git(folder: Path, *arguments: str, **environment: str) -> str:
    who = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=False, capture_output=True, text=True,
        env={**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1", **environment},
    )  # fmt: skip
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def read_yaml(text: str) -> Any:
    """As GitHub reads it: YAML 1.2, where `on` is a word."""
    return YAML(typ="safe", pure=True).load(text)


_HOOK: Final = """#!/bin/sh
# who may push: a job with `contents: write`, or the tests themselves
[ "$MAY_PUSH" = yes ] || { echo "permission denied" >&2; exit 1; }
"""
_PIP: Final = """#!/bin/sh
for last; do :; done
[ "$1" = install ] && echo "installed: $last"
"""
_RECONCILER: Final = """#!/bin/sh
PYTHONPATH="{repository}" exec "{python}" -W ignore -m tests.workflows.shim "$@"
"""


def only_who_may_push(remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK)
    hook.chmod(0o755)


def commands_in(scratch: Path) -> Path:
    """A folder with what jobs call: `pip`, which only tells, and `reconciler`."""
    folder = scratch / "bin"
    folder.mkdir(parents=True)
    for command, text in (("pip", _PIP), ("reconciler", _RECONCILER)):
        file = folder / command
        file.write_text(text.format(python=sys.executable, repository=REPOSITORY))
        file.chmod(0o755)
    return folder


class Actions:
    """One repository. `remote` is its bare repository; `network`: host → address of who answers for it."""

    def __init__(
        self,
        remote: Path,
        scratch: Path,
        *,
        environments: Mapping[str, Environment],
        network: Mapping[str, str],
        api: Api | None = None,
        name: str = "contoso/access",
        branch: str = "main",
    ) -> None:
        self.remote, self.scratch, self.environments, self.network = remote, scratch, environments, network
        self.api: Api = api or NoApi()
        self.name, self.branch = name, branch
        self.days = 0
        """How many days later it is."""
        self.runs: list[Run] = []
        self._ids = itertools.count(7001)
        self.bin = commands_in(scratch)
        only_who_may_push(remote)

    # -- events

    def pull_request(self, number: int, *, merge: str, head: str, base: str = "main", fork: bool = False) -> list[Run]:
        """Opened, or pushed to. `merge`: what would be merged; workflows are taken from there."""
        event = {
            "action": "synchronize",
            "number": number,
            "pull_request": {"number": number, "head": {"sha": head}, "base": {"ref": base}},
        }
        linked = [] if fork else [{"number": number, "base": {"ref": base}}]
        return self._event(
            "pull_request", event, merge, f"refs/pull/{number}/merge", head=head, fork=fork, linked=linked
        )

    def push(self, before: str, sha: str, branch: str = "main") -> list[Run]:
        return self._event("push", {"before": before, "after": sha}, sha, f"refs/heads/{branch}")

    def schedule(self, workflow: str) -> Run:
        """Its next moment has come."""
        (run,) = self._event("schedule", {}, self._tip(), f"refs/heads/{self.branch}", only=workflow)
        return run

    def dispatch(self, workflow: str, *, actor: str = "ada", branch: str = "main", **inputs: Any) -> Run:
        """By hand, with a form."""
        sha = git(self.remote, "rev-parse", f"refs/heads/{branch}")
        (run,) = self._event(
            "workflow_dispatch", {"inputs": inputs}, sha, f"refs/heads/{branch}", only=workflow, actor=actor
        )
        return run

    def _tip(self) -> str:
        return git(self.remote, "rev-parse", f"refs/heads/{self.branch}")

    def workflows(self, sha: str) -> dict[str, dict[str, Any]]:
        """Name → document, at a commit."""
        files = git(self.remote, "ls-tree", "--name-only", sha, ".github/workflows/").splitlines()
        documents = [read_yaml(git(self.remote, "show", f"{sha}:{file}")) for file in files]
        return {document["name"]: document for document in documents}

    def _event(
        self,
        name: str,
        event: dict[str, Any],
        sha: str,
        ref: str,
        *,
        head: str | None = None,
        fork: bool = False,
        linked: list[dict[str, Any]] | None = None,
        only: str | None = None,
        actor: str = "ada",
    ) -> list[Run]:
        found = []
        for workflow, document in self.workflows(sha).items():
            on = document["on"] if isinstance(document["on"], dict) else {document["on"]: None}
            if name not in on or (only is not None and only != workflow):
                continue
            if not self._wanted(on[name] or {}, name, event, ref):
                continue
            asked = dict(event)
            if name == "workflow_dispatch":
                asked["inputs"] = _inputs(on[name] or {}, event["inputs"])
            run = Run(next(self._ids), workflow, asked, name, sha, ref, head or sha, fork)
            self.runs.append(run)
            found.append(run)
            self.api.began(run)
            _Runner(self, run, document, actor).go()
            self.api.ended(run)
            found += self._completed(run, linked or [])
        return found

    def _completed(self, run: Run, linked: list[dict[str, Any]]) -> list[Run]:
        """Those that follow it: as they stand on the default branch, with its rights, whoever caused the first."""
        sha, found = self._tip(), []
        source = {"id": 2, "full_name": "mallory/access"} if run.fork else {"id": 1, "full_name": self.name}
        for workflow, document in self.workflows(sha).items():
            on = document["on"]
            if not isinstance(on, dict) or run.workflow not in (on.get("workflow_run") or {}).get("workflows", ()):
                continue
            event = {
                "workflow_run": {
                    "id": run.id,
                    "event": run.event_name,
                    "conclusion": run.conclusion,
                    "head_sha": run.head_sha,
                    "head_branch": "topic",
                    "head_repository": source,
                    "pull_requests": linked,
                }
            }
            after = Run(
                next(self._ids), workflow, event, "workflow_run", sha, f"refs/heads/{self.branch}", sha, fork=False
            )
            self.runs.append(after)
            found.append(after)
            _Runner(self, after, document, "ada").go()
        return found

    def _wanted(self, filters: Mapping[str, Any], name: str, event: Mapping[str, Any], ref: str) -> bool:
        if name == "workflow_run":
            return False
        if "branches" in filters:
            branch = event["pull_request"]["base"]["ref"] if name == "pull_request" else ref.removeprefix("refs/heads/")
            if branch not in filters["branches"]:
                return False
        if "paths" in filters:
            changed = git(self.remote, "diff", "--name-only", event["before"], event["after"]).splitlines()
            patterns = [pattern.replace("**", "*") for pattern in filters["paths"]]
            return any(fnmatch.fnmatch(file, pattern) for file in changed for pattern in patterns)
        return True


def _inputs(on: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    declared = on.get("inputs") or {}
    assert given.keys() <= declared.keys(), "no such input"
    missing = [name for name, each in declared.items() if each.get("required") and name not in given]
    assert not missing, f"required: {missing}"
    return {name: given.get(name, each.get("default", "")) for name, each in declared.items()}


class _Runner:
    """One run of one workflow."""

    def __init__(self, actions: Actions, run: Run, document: Mapping[str, Any], actor: str) -> None:
        self.actions, self.run, self.document, self.actor = actions, run, document, actor
        self.needs: dict[str, dict[str, Any]] = {}

    def go(self) -> None:
        waiting = dict(self.document["jobs"])
        while waiting:
            name = next(n for n, job in waiting.items() if not set(_list(job.get("needs"))) & waiting.keys())
            self._job(name, waiting.pop(name))

    def _github(self, token: str) -> dict[str, Any]:
        run = self.run
        return {
            "event": run.event, "event_name": run.event_name, "sha": run.sha, "ref": run.ref, "run_id": run.id,
            "actor": self.actor, "repository": self.actions.name, "token": token, "workflow": run.workflow,
        }  # fmt: skip

    def _job(self, name: str, job: Mapping[str, Any]) -> None:
        needed = {each: self.needs[each] for each in _list(job.get("needs"))}
        results = [each["result"] for each in needed.values()]
        functions: dict[str, Callable[..., Any]] = {
            "success": lambda: all(result == "success" for result in results),
            "failure": lambda: "failure" in results,
            "always": lambda: True,
            "cancelled": lambda: False,
        }
        inputs = self.run.event.get("inputs", {})
        base = {"github": self._github(""), "needs": needed, "inputs": inputs}
        if not holds(job.get("if"), base, functions):
            self.run.jobs.append(Job(name, {}, "skipped"))
            self.needs[name] = {"result": "skipped", "outputs": {}}
            return
        done = [self._one(name, job, base, matrix) for matrix in _matrix(job, base)]
        self.run.jobs += done
        bad = [each for each in done if each.result != "success"]
        outputs = {key: value for each in done for key, value in each.outputs.items()}
        self.needs[name] = {"result": bad[0].result if bad else "success", "outputs": outputs}

    def _one(self, name: str, job: Mapping[str, Any], base: dict[str, Any], matrix: dict[str, Any]) -> Job:
        made = Job(name, matrix)
        granted = job.get("permissions", self.document.get("permissions"))
        assert isinstance(granted, dict), "say which permissions"
        if self.run.fork:
            granted = dict.fromkeys(granted, "read")
        secrets: dict[str, str] = {}
        environment = job.get("environment")
        if environment is not None:
            if self.run.ref != f"refs/heads/{self.actions.branch}":
                made.result, made.why = "failure", f"{self.run.ref} may not use {environment}"
                return made
            if not self.actions.environments[environment].approves():
                made.result, made.why = "failure", "not approved"
                return made
            if not self.run.fork:
                secrets = self.actions.environments[environment].secrets
        from tests.workflows.steps import Steps

        token = self.actions.api.token(granted)
        contexts = {
            **base, "github": self._github(token), "matrix": matrix, "secrets": secrets,
            "runner": {"temp": ""}, "steps": {},
        }  # fmt: skip
        Steps(self.actions, self.run, made, granted, contexts, self.document).all(job)
        return made


def _list(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _matrix(job: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    matrix = filled((job.get("strategy") or {}).get("matrix"), base)
    if matrix is None:
        yield {}
    else:
        assert matrix.keys() == {"include"}, "only `include` is known here"
        yield from matrix["include"]


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def written(values: Mapping[str, Any]) -> dict[str, str]:
    """As variables of the environment."""
    return {name: as_text(value) for name, value in values.items()}


def event_file(folder: Path, run: Run) -> Path:
    file = folder / "event.json"
    file.write_text(json.dumps(run.event))
    return file

"""The steps of one job: `run:` by bash, and the five actions that we use."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.workflows.expressions import as_text, filled, holds
from tests.workflows.runner import SECONDS, event_file, fresh, git, read_yaml, written

if TYPE_CHECKING:
    from tests.workflows.runner import Actions, Job, Run


class Failed(Exception):
    """A step that ends with an error."""


class Steps:
    def __init__(
        self,
        actions: Actions,
        run: Run,
        job: Job,
        granted: Mapping[str, str],
        contexts: dict[str, Any],
        document: Mapping[str, Any],
    ) -> None:
        self.actions, self.run, self.job, self.granted, self.contexts = actions, run, job, granted, contexts
        self.document = document
        folder = fresh(actions.scratch / f"{run.id}-{job.name}-{len(run.jobs)}-{job.matrix.get('app', '')}")
        self.workspace = fresh(folder / "work")
        self.temp = fresh(folder / "temp")
        self.home = fresh(folder / "home")
        self.contexts["runner"] = {"temp": str(self.temp)}
        self.failed = False
        self.may_push = False

    def all(self, job: Mapping[str, Any]) -> None:
        for step in job["steps"]:
            self.one(step, {**(self.document.get("env") or {}), **(job.get("env") or {})})
        self.job.outputs = {
            name: as_text(filled(value, self.contexts)) for name, value in job.get("outputs", {}).items()
        }
        summary = self.temp / "summary"
        self.job.summary = summary.read_text() if summary.exists() else ""
        if self.failed:
            self.job.result = "failure"

    def one(self, step: Mapping[str, Any], outer: Mapping[str, Any]) -> None:
        from tests.workflows.runner import Step

        functions: dict[str, Callable[..., Any]] = {
            "success": lambda: not self.failed, "failure": lambda: self.failed, "always": lambda: True,
            "cancelled": lambda: False,
        }  # fmt: skip
        done = Step(step.get("name") or step.get("uses") or step["run"], "skipped")
        self.job.steps.append(done)
        if holds(step.get("if"), self.contexts, functions):
            outputs: dict[str, str] = {}
            try:
                variables = written(filled({**outer, **(step.get("env") or {})}, self.contexts))
                done.log = self._used(step) if "uses" in step else self._run(step, variables, outputs)
                done.outcome = "success"
            except Failed as error:
                done.log, done.outcome = str(error), "failure"
                self.failed = self.failed or step.get("continue-on-error") is not True
            if "id" in step:
                self.contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": done.outcome}
        elif "id" in step:
            self.contexts["steps"][step["id"]] = {"outputs": {}, "outcome": "skipped"}

    # -- run

    def _run(self, step: Mapping[str, Any], variables: Mapping[str, str], outputs: dict[str, str]) -> str:
        shell = step.get("shell") or ((self.document.get("defaults") or {}).get("run") or {}).get("shell")
        assert shell == "bash", "say `shell: bash`: without it a pipe hides failures"
        text = filled(step["run"], self.contexts)
        environment = {**self._environment(), **variables}
        self.job.environment |= environment
        (self.temp / "output").write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text], cwd=self.workspace, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
            check=False,
        )  # fmt: skip
        for line in (self.temp / "output").read_text().splitlines():
            name, equals, value = line.partition("=")
            assert equals, "only NAME=VALUE is known here"
            outputs[name] = value
        if done.returncode != 0:
            raise Failed(f"{done.stdout}\nexit code {done.returncode}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """What GitHub gives to every step, and nothing of the machine that the tests run on."""
        import json

        api, run = self.actions.api.url, self.run
        return {
            "PATH": f"{self.actions.bin}:/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8",
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW": run.workflow, "GITHUB_JOB": self.job.name,
            "GITHUB_EVENT_NAME": run.event_name, "GITHUB_EVENT_PATH": str(event_file(self.temp, run)),
            "GITHUB_REPOSITORY": self.actions.name, "GITHUB_SHA": run.sha, "GITHUB_REF": run.ref,
            "GITHUB_RUN_ID": str(run.id), "GITHUB_API_URL": api,
            "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_GRAPHQL_URL": f"{api}/graphql",
            "GITHUB_OUTPUT": str(self.temp / "output"), "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "GITHUB_WORKSPACE": str(self.workspace), "RUNNER_TEMP": str(self.temp),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "MAY_PUSH": "yes" if self.may_push else "no",
            "RECONCILER_TEST_HOSTS": json.dumps(dict(self.actions.network)),
            "RECONCILER_TEST_DAYS": str(self.actions.days),
        }  # fmt: skip

    # -- uses

    def _used(self, step: Mapping[str, Any]) -> str:
        given = filled(step.get("with") or {}, self.contexts)
        action = step["uses"]
        if action.startswith("./"):
            return self._composite(action, given)
        name, _, commit = action.partition("@")
        assert len(commit) == 40, action
        known = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda _: "",
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        return known[name](given)

    def _composite(self, action: str, given: Mapping[str, Any]) -> str:
        document = read_yaml((self.workspace / action / "action.yml").read_text())
        declared = document.get("inputs") or {}
        assert given.keys() <= declared.keys()
        inputs = {name: given.get(name, each.get("default", "")) for name, each in declared.items()}
        outer, log = self.contexts, []
        self.contexts = {**outer, "inputs": inputs}
        try:
            for step in document["runs"]["steps"]:
                variables = written(filled(step.get("env") or {}, self.contexts))
                log.append(self._used(step) if "uses" in step else self._run(step, variables, {}))
        finally:
            self.contexts = outer
        return "\n".join(log)

    def _checkout(self, given: Mapping[str, Any]) -> str:
        """A clone, of this commit alone or of all there is. Whose token does not stay behind can't ask again: the
        repository is a private one.
        """
        assert given.keys() <= {"ref", "fetch-depth", "persist-credentials"}, given
        assert "contents" in self.granted, "a private repository: the job may not read it"
        ref = given.get("ref") or self.run.sha
        branch = ref == self.actions.branch
        remote = self.actions.remote.resolve().as_uri()
        git(self.workspace, "init", "-q", "-b", "none")
        git(self.workspace, "remote", "add", "origin", remote)
        depth = [] if given.get("fetch-depth") == 0 else ["--depth=1"]
        git(
            self.workspace,
            "fetch",
            "-q",
            *depth,
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            "+refs/tags/*:refs/tags/*",
        )
        if branch:
            git(self.workspace, "checkout", "-q", "-B", ref, f"origin/{ref}")
        else:
            git(self.workspace, "fetch", "-q", *depth, "origin", ref)
            git(self.workspace, "checkout", "-q", "--detach", ref)
        if given.get("persist-credentials") is not True:
            git(self.workspace, "remote", "set-url", "origin", "file:///nowhere")
        else:
            self.may_push = self.granted["contents"] == "write"
        return git(self.workspace, "rev-parse", "HEAD")

    def _upload(self, given: Mapping[str, Any]) -> str:
        path = self.workspace / given["path"]
        hidden = given.get("include-hidden-files") is True
        found: dict[str, bytes] = {}
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        for file in files:
            if hidden or not any(
                part.startswith(".") for part in Path(given["path"]).parts + file.relative_to(path).parts
            ):
                found[file.name if path.is_file() else file.relative_to(path).as_posix()] = file.read_bytes()
        if not found:
            if given.get("if-no-files-found") == "error":
                raise Failed(f"no files at {given['path']}")
            return "nothing"
        assert given["name"] not in self.run.artifacts, "an artifact of this name is there"
        self.run.artifacts[given["name"]] = found
        self.actions.api.uploaded(self.run, given["name"], found)
        return ", ".join(found)

    def _download(self, given: Mapping[str, Any]) -> str:
        run = self.run
        if "run-id" in given:
            assert given["github-token"] == self.contexts["github"]["token"]
            if self.granted.get("actions") not in ("read", "write"):
                raise Failed("Resource not accessible by integration")
            (run,) = [each for each in self.actions.runs if each.id == int(given["run-id"])]
        if given["name"] not in run.artifacts:
            raise Failed(f"no artifact {given['name']}")
        for name, content in run.artifacts[given["name"]].items():
            file = Path(self.workspace / given["path"] / name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return str(given["name"])

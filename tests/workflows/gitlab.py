"""GitLab CI, as far as our component uses it: inputs, rules, protected variables, manual jobs, artifacts. The lines of
`script` are run as they stand, by bash, in a clone of a scratch repository. What is not known here fails.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from tests.forge.fakes.github import archive
from tests.forge.fakes.gitlab import GitLab
from tests.workflows.expressions import evaluate, truth
from tests.workflows.runner import SECONDS, commands_in, fresh, git

STAGES: Final = ("test", "deploy")
_INPUT: Final = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")
_KNOWN: Final = frozenset(
    {"image", "interruptible", "variables", "before_script", "extends", "stage", "rules", "script", "artifacts",
     "needs", "environment", "resource_group", "allow_failure"}
)  # fmt: skip


def interpolated(text: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The jobs of a component with these inputs, which have to be what its head says."""
    head, _, body = text.partition("\n---\n")
    declared = _read(head)["spec"]["inputs"]
    assert given.keys() <= declared.keys(), "no such input"
    values = {}
    for name, each in declared.items():
        assert name in given or "default" in each, f"{name} is required"
        values[name] = str(given.get(name, each.get("default")))
        assert re.search(each.get("regex", ""), values[name]), f"{name}: {values[name]}"
    jobs = _read(_INPUT.sub(lambda found: values[found[1]], body))
    assert isinstance(jobs, dict)
    return jobs


def jobs_of(files: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """Name → job, of a .gitlab-ci.yml with what it includes."""
    found: dict[str, dict[str, Any]] = {}
    for include in _read(files(".gitlab-ci.yml"))["include"]:
        made = interpolated(files(include["local"]), include["inputs"])
        assert not found.keys() & made.keys(), "two jobs of one name"
        found |= made
    whole = {name: {**found.get(job.get("extends", ""), {}), **job} for name, job in found.items()}
    for name, job in whole.items():
        assert job.keys() <= _KNOWN, name
    return {name: job for name, job in whole.items() if not name.startswith(".")}


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@dataclass
class Ran:
    """One job. `result`: success, failure, warning, or blocked by whoever did not start it."""

    result: str
    log: str = ""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


class Pipelines:
    """One project. `secrets`: environment → its variables, which only the default branch gets. `fake`: its API, with
    a token that everybody's jobs have.
    """

    def __init__(
        self,
        remote: Path,
        scratch: Path,
        *,
        secrets: Mapping[str, Mapping[str, str]],
        network: Mapping[str, str],
        fake: GitLab | None = None,
    ) -> None:
        self.remote, self.scratch, self.secrets, self.network = remote, scratch, secrets, network
        self.fake = fake
        self.starts: Callable[[str], bool] = lambda _job: True
        """Whether somebody starts this manual job."""
        self.bin = commands_in(scratch)
        self._number = 9000

    def run(self, source: str, sha: str, *, before: str = "", branch: str = "", **variables: str) -> dict[str, Ran]:
        """A pipeline, job by job."""
        self._number += 1
        api = {} if self.fake is None else self.fake.environment(run=self._number)
        if self.fake is not None:
            self.fake.runs[self._number] = {"id": self._number, "sha": sha, "ref": branch}
        given = {
            "CI": "true", "GITLAB_CI": "true", "CI_PIPELINE_SOURCE": source, "CI_COMMIT_SHA": sha, "CI_PROJECT_ID": "7",
            "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_ID": str(self._number),
            "GITLAB_USER_LOGIN": "ada", "CI_PROJECT_URL": "https://gitlab.example.com/contoso/access",
            **({"CI_COMMIT_BRANCH": branch} if branch else {}), **api, **variables,
        }  # fmt: skip
        jobs = jobs_of(lambda path: git(self.remote, "show", f"{sha}:{path}"))
        chosen = {name: rule for name, job in jobs.items() if (rule := self._rule(job, given, before, sha)) is not None}
        ran: dict[str, Ran] = {}
        for name in sorted(chosen, key=lambda each: STAGES.index(jobs[each]["stage"])):
            job, rule = jobs[name], chosen[name]
            needs = [
                (n, False) if isinstance(n, str) else (n["job"], n.get("optional", False)) for n in job.get("needs", ())
            ]
            assert all(optional or need in chosen for need, optional in needs), "a job that is needed is not there"
            waits = [need for need, _ in needs if need in chosen and ran[need].result not in ("success", "warning")]
            if waits or (rule.get("when") == "manual" and not self.starts(name)):
                ran[name] = Ran("blocked")
                continue
            got = [ran[need] for need, _ in needs if need in ran] if "needs" in job else list(ran.values())
            ran[name] = self._one(name, job, given, got)
            if self.fake is not None and ran[name].artifacts:
                self._keep(name, ran[name].artifacts)
        return ran

    def _keep(self, name: str, content: Mapping[str, bytes]) -> None:
        assert self.fake is not None
        job, data = self.fake.next_id(), archive(content)
        self.fake.data[job] = data
        self.fake.jobs.append(
            {"id": job, "name": name, "pipeline": self._number, "artifacts_file": {"size": len(data)}}
        )

    def _rule(
        self, job: Mapping[str, Any], given: Mapping[str, str], before: str, sha: str
    ) -> Mapping[str, Any] | None:
        for rule in job["rules"]:
            if not _holds(rule["if"], given):
                continue
            if "changes" in rule and given["CI_PIPELINE_SOURCE"] == "push":
                (pattern,) = rule["changes"]
                assert pattern.endswith("/**/*")
                changed = git(self.remote, "diff", "--name-only", before, sha).splitlines()
                if not any(file.startswith(pattern.removesuffix("**/*")) for file in changed):
                    continue
            assert isinstance(rule, Mapping)
            return rule
        return None

    def _one(self, name: str, job: Mapping[str, Any], given: Mapping[str, str], got: list[Ran]) -> Ran:
        folder = fresh(self.scratch / f"{self._number}-{name.replace(':', '-')}")
        work = fresh(folder / "work")
        branch = given.get("CI_COMMIT_BRANCH")
        git(work, "init", "-q", "-b", "none")
        git(work, "remote", "add", "origin", self.remote.resolve().as_uri())
        git(work, "fetch", "-q", "origin", given["CI_COMMIT_SHA"])
        git(work, "checkout", "-q", "--detach", given["CI_COMMIT_SHA"])
        for each in got:
            for path, content in each.artifacts.items():
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_bytes(content)
        protected = branch == given["CI_DEFAULT_BRANCH"]
        secrets = self.secrets.get(job.get("environment", ""), {}) if protected else {}
        variables = {**job.get("variables", {}), **given, **secrets}
        environment = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin", "HOME": str(fresh(folder / "home")), "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "MAY_PUSH": "yes" if protected else "no",
            "RECONCILER_TEST_HOSTS": json.dumps(dict(self.network)), **variables,
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c",
             "\n".join([*job.get("before_script", ()), *job["script"]])],
            cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        allowed = job.get("allow_failure")
        warned = isinstance(allowed, Mapping) and done.returncode == allowed["exit_codes"]
        result = "success" if done.returncode == 0 else "warning" if warned else "failure"
        wanted = job.get("artifacts", {})
        kept = {}
        if done.returncode == 0 or wanted.get("when") == "always":
            reports = [
                p
                for report in wanted.get("reports", {}).values()
                for p in ([report] if isinstance(report, str) else report)
            ]
            kept = _collected(work, [*wanted.get("paths", ()), *reports])
        return Ran(result, done.stdout, kept, variables)


def _collected(work: Path, paths: list[str]) -> dict[str, bytes]:
    files = [file for path in paths for file in ([work / path] if not path.endswith("/") else (work / path).rglob("*"))]
    return {file.relative_to(work).as_posix(): file.read_bytes() for file in files if file.is_file()}


def _holds(condition: str, given: Mapping[str, str]) -> bool:
    """Of GitLab's expressions what GitHub's know too, in its own spelling."""
    text = re.sub(r"\$(\w+)", r"given.\1", condition).replace('"', "'")
    return truth(evaluate(text, {"given": given}))

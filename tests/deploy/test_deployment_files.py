"""The files for running it as a service: what can be told of them without a host for containers."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reconciler.cli import COMMANDS, root
from reconciler.service.web.guard import OPEN
from reconciler.service.web.listen import TOKEN

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "deploy"
MANIFESTS = sorted((FOLDER / "kubernetes").glob("*.yaml"))
OURS = {f"RECONCILER_ALLOW_{name}" for name in ("HOST", "ENV", "FILE", "COMMAND")} | {TOKEN}
"""Variables that no option of the command line has."""


def parsed(arguments: list[str]) -> click.Context:
    """As the command line takes them. Raises what it would say."""
    context = click.Context(root)
    command = root.get_command(context, arguments[0])
    assert command is not None, arguments[0]
    return command.make_context(arguments[0], list(arguments[1:]), parent=context)


def variables() -> set[str]:
    """What options of any command can be given by."""
    context = click.Context(root)
    commands = [root.get_command(context, name) for name in COMMANDS]
    named = [p.envvar for c in commands if c is not None for p in c.params]
    return {name for name in named if isinstance(name, str)}


# -- the image


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, continued lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", (FOLDER / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def of_last(word: str) -> list[str]:
    return [rest for each, rest in stages()[-1] if each == word]


def listed(text: str) -> list[str]:
    """The exec form: no shell is between."""
    found = yaml.safe_load(text[text.index("[") :])
    assert isinstance(found, list)
    return [str(each) for each in found]


class TestImage:
    def test_what_compiles_stays_behind(self) -> None:
        build, last = stages()
        assert build[0][1].endswith(" AS build")
        assert [rest for word, rest in last if word == "COPY"] == ["--from=build /opt/reconciler /opt/reconciler"]
        assert "pip" not in " ".join(of_last("RUN"))
        assert all("slim" in rest for word, rest in instructions() if word == "ARG")
        assert "latest" not in str(instructions())

    def test_it_is_never_root(self) -> None:
        words = [word for word, _ in stages()[-1]]
        user = of_last("USER")[-1]
        assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)  # a number: Kubernetes can tell that it is not root
        assert words.index("USER") > max(i for i, word in enumerate(words) if word in ("RUN", "COPY"))
        assert f"--uid {user.partition(':')[0]}" in of_last("RUN")[0]

    def test_packages_are_few_and_leave_no_lists(self) -> None:
        (run,) = of_last("RUN")
        assert "--no-install-recommends" in run
        assert "rm -rf /var/lib/apt/lists/*" in run
        assert run.split("--no-install-recommends")[1].split("&&")[0].split() == [
            "ca-certificates", "git", "openssh-client",
        ]  # fmt: skip

    def test_no_layer_holds_a_secret(self) -> None:
        for word, rest in instructions():
            assert word != "ADD", "copies from addresses and unpacks"
            if word in ("ARG", "ENV"):
                assert not re.search(r"token|password|secret|key|credential", rest, re.IGNORECASE), rest

    def test_only_what_the_wheel_is_made_of_gets_into_the_build(self) -> None:
        ignored = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        rules = [line for line in ignored if line and not line.startswith("#")]
        assert rules[0] == "*"
        let_in = {line[1:] for line in rules if line.startswith("!")}
        copied = {source for word, rest in stages()[0] if word == "COPY" for source in rest.split()[:-1]}
        assert copied == let_in
        assert all((REPOSITORY / name).exists() for name in copied)
        wanted = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
        assert wanted["project"]["readme"] in copied
        assert {*wanted["project"]["license-files"]} <= copied
        assert {*wanted["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]} <= copied

    def test_its_extras_are_those_of_the_package(self) -> None:
        installed = next(rest for word, rest in stages()[0] if word == "RUN" and "pip install" in rest)
        extras = re.search(r"\[([a-z,]+)\]", installed)
        assert extras
        known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
        assert {"service", "postgresql"} <= {*extras[1].split(",")} <= {*known["project"]["optional-dependencies"]}

    def test_it_takes_signals_itself_and_its_command_line_is_one(self) -> None:
        assert listed(of_last("ENTRYPOINT")[0]) == ["reconciler"]
        command = parsed(listed(of_last("CMD")[0]))
        assert command.params["pull"] is True
        assert of_last("STOPSIGNAL") == ["SIGTERM"]

    def test_what_is_written_is_in_one_folder(self) -> None:
        settings = dict(pair.split("=", 1) for rest in of_last("ENV") for pair in shlex.split(rest))
        assert settings["HOME"] == of_last("WORKDIR")[0] == "/var/lib/reconciler"
        assert settings["XDG_CACHE_HOME"].startswith(settings["HOME"])
        assert settings["PYTHONDONTWRITEBYTECODE"] == "1"
        assert settings["CI"] == "true"  # what files may name is listed from outside

    def test_the_health_check_needs_nothing_that_is_not_there(self) -> None:
        (check,) = of_last("HEALTHCHECK")
        command = listed(check)
        assert command[0] == "python"
        compile(command[2], "HEALTHCHECK", "exec")
        assert "http://127.0.0.1:8321/healthz" in command[2]
        (port,) = of_last("EXPOSE")
        assert f"127.0.0.1:{port}" in listed(of_last("CMD")[0])


# -- systemd


class TestUnit:
    @pytest.fixture
    def unit(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for line in (FOLDER / "reconciler.service").read_text(encoding="utf-8").splitlines():
            if "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                found.setdefault(key, []).append(value)
        return found

    @pytest.fixture
    def installed(self, tmp_path: Path) -> Path:
        """As on a machine where the program is there."""
        text = (FOLDER / "reconciler.service").read_text(encoding="utf-8")
        file = tmp_path / "reconciler.service"
        file.write_text(text.replace("/opt/reconciler/bin/reconciler", "/bin/true"), encoding="utf-8")
        return file

    def test_its_command_line_is_one(self, unit: dict[str, list[str]]) -> None:
        program, *arguments = shlex.split(unit["ExecStart"][0])
        assert program == "/opt/reconciler/bin/reconciler"
        assert parsed(arguments).params["pull"] is True

    def test_it_stops_in_order_and_starts_again(self, unit: dict[str, list[str]]) -> None:
        assert unit["KillSignal"] == ["SIGTERM"]
        assert unit["KillMode"] == ["mixed"]  # a fetch that is told too would fail the cycle
        assert int(unit["TimeoutStopSec"][0]) >= 120
        assert unit["Restart"] == ["always"]
        assert unit["RestartPreventExitStatus"] == ["64"]

    def test_it_is_nobody_and_has_one_folder(self, unit: dict[str, list[str]]) -> None:
        assert unit["DynamicUser"] == ["yes"]
        assert unit["StateDirectory"] == ["reconciler"]
        assert unit["ProtectSystem"] == ["strict"]
        assert unit["NoNewPrivileges"] == ["yes"]
        assert unit["CapabilityBoundingSet"] == [""]
        assert "CI=true" in unit["Environment"]
        # boot_id is not there then, and the lock of a killed process would hold until its lease is over
        assert "ProcSubset" not in unit

    def test_it_holds_no_secret(self, unit: dict[str, list[str]]) -> None:
        assert unit["EnvironmentFile"] == ["/etc/reconciler/environment"]
        assert not re.search(r"(token|password|secret)=\S", str(unit["Environment"]), re.IGNORECASE)

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
    def test_systemd_takes_it(self, installed: Path) -> None:
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", installed], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
    def test_systemd_finds_it_confined(self, installed: Path) -> None:
        checked = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", installed],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "unrecognized option" in checked.stderr:
            pytest.skip("this systemd judges no files")
        assert checked.returncode == 0, checked.stdout[-300:]


# -- Kubernetes


def documents(*files: Path) -> Iterator[dict[str, Any]]:
    for file in files or MANIFESTS:
        yield from (d for d in yaml.safe_load_all(file.read_text(encoding="utf-8")) if d is not None)


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [d for d in documents() if d["kind"] == kind]
    return found


def pod_of(kind: str) -> dict[str, Any]:
    spec = of_kind(kind)["spec"]
    pod = spec["template"] if kind == "Deployment" else spec["jobTemplate"]["spec"]["template"]
    assert isinstance(pod, dict)
    return pod


@pytest.fixture(params=["Deployment", "CronJob"])
def pod(request: pytest.FixtureRequest) -> dict[str, Any]:
    found = pod_of(request.param)["spec"]
    assert isinstance(found, dict)
    return found


class TestKubernetes:
    def test_the_manifests_are_the_documented_ones(self) -> None:
        page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
        assert all(f"(deploy/kubernetes/{file.name})" in page for file in MANIFESTS)
        kinds = sorted(d["kind"] for d in documents())
        assert kinds == sorted(
            ["Deployment", "CronJob", "PersistentVolumeClaim", "ConfigMap", "NetworkPolicy", "Service"]
        )

    def test_no_manifest_holds_a_secret(self, pod: dict[str, Any]) -> None:
        assert "Secret" not in {d["kind"] for d in documents()}
        for container in (*pod["initContainers"], *pod["containers"]):
            for variable in container.get("env", ()):
                assert not re.search("TOKEN|PASSWORD|SECRET", variable["name"]), variable
        assert not re.search("TOKEN:|PASSWORD", str(of_kind("ConfigMap")["data"]))
        for file in MANIFESTS:
            assert not re.search(r"://[^/\s]*:[^/\s]*@", file.read_text(encoding="utf-8")), file

    def test_one_runner_and_never_two_at_once(self) -> None:
        deployment, job = of_kind("Deployment")["spec"], of_kind("CronJob")["spec"]
        assert deployment["replicas"] == 1
        assert deployment["strategy"] == {"type": "Recreate"}
        assert job["concurrencyPolicy"] == "Forbid"
        assert job["jobTemplate"]["spec"]["backoffLimit"] == 0
        assert pod_of("CronJob")["spec"]["restartPolicy"] == "Never"

    def test_nobody_is_root_and_nothing_is_written_beside_the_volumes(self, pod: dict[str, Any]) -> None:
        user = of_last("USER")[-1].partition(":")[0]
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert str(context["runAsUser"]) == str(context["fsGroup"]) == user
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["initContainers"], *pod["containers"]):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert ":" in container["image"].rpartition("/")[2]
            assert not container["image"].endswith(":latest")
            mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/var/lib/reconciler", "/tmp"} <= mounts
            assert {m["name"] for m in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}

    def test_names_lead_somewhere(self, pod: dict[str, Any]) -> None:
        claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v]
        assert claims == [of_kind("PersistentVolumeClaim")["metadata"]["name"]]
        (container,) = pod["containers"]
        maps = [source["configMapRef"]["name"] for source in container["envFrom"] if "configMapRef" in source]
        assert maps == [of_kind("ConfigMap")["metadata"]["name"]]
        page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
        secrets = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
        secrets += [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
        assert secrets
        assert all(f"kubectl create secret generic {name} " in page for name in secrets)
        labels = of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
        for kind in ("Deployment", "CronJob"):
            assert labels.items() <= pod_of(kind)["metadata"]["labels"].items()
        assert (
            of_kind("Service")["spec"]["selector"] == of_kind("Deployment")["spec"]["selector"]["matchLabels"] == labels
        )

    def test_the_command_lines_are_some(self) -> None:
        (stays,), (once,) = (pod_of(kind)["spec"]["containers"] for kind in ("Deployment", "CronJob"))
        taken = parsed(stays["args"]).params
        assert (taken["pull"], taken["once"]) == (True, False)
        taken = parsed(once["args"]).params
        assert (taken["pull"], taken["once"]) == (True, True)
        for container in (stays, once):
            folder = Path(container["args"][-1])
            assert folder.parent == Path(of_last("WORKDIR")[0])
            assert folder.name in str(pod_of("Deployment")["spec"]["initContainers"][0]["command"])

    def test_probes_ask_what_is_served(self) -> None:
        (container,) = pod_of("Deployment")["spec"]["containers"]
        (port,) = container["ports"]
        serve = container["args"][container["args"].index("--serve") + 1]
        assert serve == f"0.0.0.0:{port['containerPort']}"
        asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {ask["port"] for ask in asked.values()} == {port["name"]}
        assert asked["startupProbe"]["path"] == asked["livenessProbe"]["path"] == "/healthz"
        assert asked["readinessProbe"]["path"] == "/readyz"
        assert {ask["path"] for ask in asked.values()} == OPEN  # without a token, which kubelet has not
        assert of_kind("Service")["spec"]["ports"][0]["targetPort"] == port["name"]
        (ingress,) = of_kind("NetworkPolicy")["spec"]["ingress"]
        assert [p["port"] for p in ingress["ports"]] == [port["containerPort"]]

    def test_there_is_time_to_stop(self, pod: dict[str, Any]) -> None:
        assert pod["terminationGracePeriodSeconds"] >= 120

    def test_git_gets_its_credential_from_the_secret_alone(self, pod: dict[str, Any], tmp_path: Path) -> None:
        """git itself, with what the manifests give it."""
        (clone,) = pod["initContainers"]
        (tmp_path / "credential").write_text("username=reader\npassword=of-the-secret\n", encoding="utf-8")
        settings = {variable["name"]: variable["value"] for variable in clone["env"]}
        environ = {name: value.replace("/run/secrets/git", str(tmp_path)) for name, value in settings.items()}
        environ |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_TERMINAL_PROMPT": "0"}
        asked = "protocol=https\nhost=git.example.com\n\n"
        filled = subprocess.run(
            ["git", "credential", "fill"], input=asked, env=environ, capture_output=True, text=True, check=True
        )
        assert {"username=reader", "password=of-the-secret"} <= {*filled.stdout.splitlines()}
        mounted = next(m for m in clone["volumeMounts"] if m["name"] == "git")
        assert settings["GIT_CONFIG_VALUE_0"].count(mounted["mountPath"]) == 1

    def test_the_first_start_clones_and_the_next_does_not(self, pod: dict[str, Any], tmp_path: Path) -> None:
        source = tmp_path / "source"
        who = ["-c", "user.name=ada", "-c", "user.email=ada@contoso.com", "-c", "commit.gpgSign=false"]
        subprocess.run(["git", "init", "-q", source], check=True)
        subprocess.run(["git", "-C", source, *who, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
        (clone,) = pod["initContainers"]
        environ = {**os.environ, "ACCESS_REPOSITORY": str(source)}
        for _ in range(2):
            subprocess.run(clone["command"], cwd=tmp_path, env=environ, check=True, capture_output=True)
        assert (tmp_path / "access" / ".git").is_dir()

    @pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
    def test_kubectl_reads_them(self, tmp_path: Path) -> None:
        for file in MANIFESTS:
            shutil.copy(file, tmp_path)
        listed_files = "".join(f"- {file.name}\n" for file in MANIFESTS)
        (tmp_path / "kustomization.yaml").write_text(f"resources:\n{listed_files}", encoding="utf-8")
        made = subprocess.run(["kubectl", "kustomize", tmp_path], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        assert len([d for d in yaml.safe_load_all(made.stdout) if d]) == len([*documents()])


@pytest.mark.parametrize("file", sorted(p for p in FOLDER.rglob("*") if p.is_file()), ids=lambda p: p.name)
def test_the_variables_that_are_named_exist(file: Path) -> None:
    named = set(re.findall(r"\bRECONCILER_[A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8")))
    assert named <= OURS | variables()


def test_the_page_names_no_variable_that_does_not_exist() -> None:
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bRECONCILER_[A-Z_]*[A-Z]\b", page))
    assert {"RECONCILER_STATE", "RECONCILER_HISTORY"} <= named <= OURS | variables()


def test_this_interpreter_is_one_that_the_image_has() -> None:
    """The base that is written there is a Python that the package takes."""
    base = next(rest for word, rest in instructions() if word == "ARG")
    version = re.search(r"python:(\d+)\.(\d+)-", base)
    assert version
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert sys.version_info >= (3, 11)

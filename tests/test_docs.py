"""The documentation is true: it names all there is and nothing else, its links lead somewhere, its commands run."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import os
import pkgutil
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml
from pydantic import BaseModel

import reconciler.cli
from reconciler import errors
from reconciler.cli import COMMANDS, root
from reconciler.desired import apps, groups, users
from reconciler.desired.form import NOT_YET
from reconciler.model import app as app_model
from reconciler.model import plan as plan_model
from reconciler.model.app import App, Guardrails, Operator
from reconciler.model.cases import Case
from reconciler.model.directory import COMPUTED, GRAPH_ATTRIBUTES
from reconciler.model.mapping import Mapping, Mappings
from reconciler.model.plan import Blocked, Change, Note, Origin, Reason
from reconciler.model.profile import Profile
from reconciler.model.settings import CustomAttribute, Settings
from reconciler.plan import releases
from reconciler.project.expressions.registry import FUNCTIONS

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
PAGES = sorted(DOCS.glob("*.md"))
NAMES = (
    "first-steps", "desired-state", "mappings", "plan", "guardrails", "matching", "commands", "gallery", "hootsuite",
    "errors", "performance", "inside",
)  # fmt: skip
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
NOT_OURS = frozenset({"--seed", "--help", "--version"})


OF_OTHERS = {
    "run.md": frozenset({"--global"}),
    "deploy.md": frozenset({
        "--build-arg", "--cap-drop", "--entrypoint", "--env-file", "--file", "--from-file", "--init", "--name", "--now",
        "--read-only", "--restart", "--rm", "--security-opt", "--stop-timeout", "--tag", "--tmpfs",
    }),
}  # fmt: skip
"""Options of docker, kubectl and systemctl, where a page calls them."""


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def words_in_code(*names: str) -> frozenset[str]:
    """Every word that stands in code of these pages, inline or in blocks."""
    text = "\n".join(page(name) for name in names)
    code = [block for _, block in FENCE.findall(text)] + CODE.findall(FENCE.sub("", text))
    return frozenset(re.findall(r"[A-Za-z_!&][\w]*", "\n".join(code)))


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found, f"no heading {heading}"
    level = len(found[1])
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{level}}} ", FENCE.sub(lambda m: " " * len(m[0]), rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str) -> list[list[str]]:
    """The rows of all tables, without their headings."""
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        for line in FENCE.sub("", text).splitlines()
        if line.startswith("|")
    ]
    rules = [number for number, row in enumerate(rows) if all(set(cell) == {"-"} for cell in row)]
    headings = {number - 1 for number in rules} | set(rules)
    return [row for number, row in enumerate(rows) if number not in headings]


# -- commands


def commands() -> dict[str, click.Command]:
    context = click.Context(root)
    found = {name: root.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def options_of(command: click.Command) -> set[str]:
    """Of a command with others in it, theirs."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        each = [command.get_command(context, name) for name in command.list_commands(context)]
        return set().union(*(options_of(one) for one in each if one is not None))
    return {name for p in command.params if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}


def documented_options(cells: Iterable[str]) -> set[str]:
    """`--app NAME`, `--verbose`, `-v` → the options in them."""
    return {name for cell in cells for code in CODE.findall(cell) for name in re.findall(r"(?<!\S)--?[a-z-]+", code)}


def shared_options(command: str) -> set[str]:
    rows = table(section(page("commands"), "Options that several commands share"))
    return documented_options(row[0] for row in rows if f"`{command}`" in row[1])


def test_every_command_has_its_section_and_no_other_is_there() -> None:
    headings = re.findall(r"^## reconciler (\S+)$", page("commands"), re.MULTILINE)
    assert headings == list(COMMANDS)
    overview = table(page("commands"))[: len(COMMANDS)]
    assert [CODE.findall(row[0])[0] for row in overview] == [f"reconciler {name}" for name in COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(name: str) -> None:
    own = documented_options(row[0] for row in table(section(page("commands"), f"reconciler {name}")))
    shared = shared_options(name)
    assert not own & shared, "twice"
    assert own | shared == options_of(commands()[name])


def test_no_page_names_an_option_that_does_not_exist() -> None:
    known = NOT_OURS.union(*(options_of(command) for command in commands().values()))
    known |= {f"--allow-{name}" for name in ("host", "env", "file", "command")}
    wrong = {
        f"{path.name}: {option}"
        for path in (*PAGES, README)
        for option in OPTION.findall(path.read_text(encoding="utf-8"))
        if option not in known | OF_OTHERS.get(path.name, frozenset())
    }
    assert not wrong


def test_every_call_in_the_pages_is_one_that_click_accepts() -> None:
    """What can't be run here is at least parsed."""
    known = commands()
    calls = [
        (path.name, call)
        for path in (*PAGES, README)
        for language, block in FENCE.findall(path.read_text(encoding="utf-8"))
        if language in ("console", "text")
        for call in re.findall(r"^(?:\.venv/bin/)?reconciler ([a-z][a-z-]*)([^#\n]*)", block, re.MULTILINE)
    ]
    assert len(calls) > 20
    for where, (name, rest) in calls:
        assert name in known, f"{where}: reconciler {name}"
        given = {word for word in rest.split() if word.startswith("-")}
        assert given <= options_of(known[name]), f"{where}: reconciler {name}{rest}"


def test_every_exit_code_is_documented() -> None:
    codes = [int(row[0]) for row in table(section(page("commands"), "Exit codes"))]
    in_code = {kind.exit_code for kind in error_classes()} | {reconciler.cli.USAGE, reconciler.cli.INTERRUPTED}
    assert codes == sorted(codes)
    assert in_code | {0, 2, 3, 4, 5} == set(codes)


# -- the files


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a model and of the models inside it, as people write them."""
    found: set[str] = set()
    for name, field_ in model.model_fields.items():
        if not field_.exclude:
            found.add(field_.alias or name)
        for inner in models_in(field_.annotation):
            found |= keys_of(inner)
    return found


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


@pytest.mark.parametrize("model", [App, Settings, CustomAttribute, Mapping, Mappings, Profile, Case])
def test_every_key_that_people_write_is_documented(model: type[BaseModel]) -> None:
    assert keys_of(model) - words_in_code("desired-state", "mappings") == set()


def test_every_choice_that_people_write_is_documented() -> None:
    choices = {
        choice
        for model in (App, Settings, CustomAttribute, Mapping, Profile)
        for inner in (model, *nested(model))
        for field_ in inner.model_fields.values()
        for choice in literals_in(field_.annotation)
    }
    assert {"deactivate", "patchPath", "leaversLast", "onCreate"} <= choices - {"git"}
    assert choices - words_in_code("desired-state", "mappings") == set()


def nested(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field_ in model.model_fields.values():
        for inner in models_in(field_.annotation):
            yield inner
            yield from nested(inner)


def literals_in(annotation: Any) -> Iterator[str]:
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from literals_in(argument)


def test_every_key_of_people_and_groups_is_documented() -> None:
    documented = words_in_code("desired-state")
    graph = {name for name in GRAPH_ATTRIBUTES if not name.startswith("extensionAttribute")}
    assert graph | {"extensionAttribute1", "extensionAttribute15"} <= documented
    assert set(users._OWN_KEYS) <= documented
    assert {*groups._KEYS, *groups._MEMBER_KEYS} <= documented


def test_every_operator_is_documented() -> None:
    codes = {code for row in table(section(page("desired-state"), "scope")) for code in CODE.findall(row[0])}
    assert {str(operator) for operator in Operator} <= codes


def test_what_this_version_refuses_is_documented() -> None:
    told = section(page("desired-state"), "Not in this version")
    missing = {name for name in apps._NOT_YET if name not in told}
    assert not missing
    assert NOT_YET in page("errors")


def test_defaults_in_the_table_of_guardrails_are_the_models() -> None:
    rails = Guardrails()
    for key, default in ((row[0].strip("`"), row[1]) for row in table(section(page("desired-state"), "guardrails"))):
        name = Guardrails.model_fields.get(re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", key))
        assert name is not None, key
        limit = getattr(rails, re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", key))
        if isinstance(limit, app_model.Limit) and limit != app_model.Limit():
            stated = yaml.safe_load(CODE.findall(default)[0])
            assert app_model.Limit.model_validate(stated) == limit, key


def test_every_function_and_source_attribute_is_documented() -> None:
    text = page("mappings")
    listed = [code for row in table(section(text, "Expressions")) for code in CODE.findall(row[1])]
    assert sorted(listed) == sorted((*FUNCTIONS, "IIF", "Switch"))
    assert words_in_code("mappings") >= COMPUTED


# -- plans and errors


def test_every_word_of_a_plan_is_documented() -> None:
    kinds = [kind.model_fields["action"].default for kind in get_args(Change)]
    text = page("plan")
    for heading, words in (
        ("Actions", kinds),
        ("Origins", [str(origin) for origin in Origin]),
        ("Reasons", [str(reason) for reason in Reason]),
        ("What can't be done", get_args(Blocked.model_fields["reason"].annotation)),
        ("Notes", get_args(Note.model_fields["code"].annotation)),
    ):
        stated = [code for row in table(section(text, heading)) for code in CODE.findall(row[0])]
        assert sorted(stated) == sorted(words), heading
    assert plan_model.FORMAT in text


def test_every_release_and_hold_is_documented() -> None:
    answers = section(page("plan"), "Answering a question")
    stated = {re.split(r"[:=]", code)[0] for row in table(answers) for code in CODE.findall(row[0])}
    assert stated == releases.COUNTED | releases.KEYED | releases.BARE
    assert {code for code in holds_in_code() if f"`{code}`" not in answers} == set()
    for name in releases.COUNTED:
        assert f"`{name}`" in page("guardrails"), name


def holds_in_code() -> set[str]:
    """The names that `Held(by=…)` has in plan/."""
    import reconciler.plan

    found = set()
    for module in pkgutil.iter_modules(reconciler.plan.__path__, "reconciler.plan."):
        tree = ast.parse(inspect.getsource(importlib.import_module(module.name)))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Held":
                by = next(k.value for k in node.keywords if k.arg == "by")
                if isinstance(by, ast.Constant):
                    found.add(str(by.value))
    assert {"whoIsThis", "stateMissing"} <= found
    return found


def error_classes() -> list[type[errors.ReconcilerError]]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    return [kind for kind in kinds if issubclass(kind, errors.ReconcilerError)]


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_is_documented(kind: type[errors.ReconcilerError]) -> None:
    rows = [row for row in table(page("errors")) if row[0] == f"`{kind.__name__}`"]
    if kind is errors.ReconcilerError:
        assert f"`{kind.__name__}`" in page("errors")
        return
    assert len(rows) == 1
    if kind.exit_code != 1:
        assert str(kind.exit_code) in rows[0]


def test_every_verdict_is_documented() -> None:
    assert {str(verdict) for verdict in errors.Verdict} <= words_in_code("errors")


# -- the pages themselves


def test_readme_leads_to_every_page() -> None:
    """Directly; to what only explains another page, from there."""
    readme = _text(README)
    assert [name for name in NAMES if f"(docs/{name}.md)" not in readme] == []
    others = {path.stem for path in PAGES} - {*NAMES}
    assert {name for name in others if not any(f"]({name}.md" in page(linking) for linking in NAMES)} == set()


def anchors(text: str) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", [README, *PAGES], ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
    for link in links:
        if re.match(r"https?:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.is_file(), link
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), link


def test_files_and_imports_named_in_inside_are_those_of_the_code() -> None:
    text = page("inside")
    named = {code for code in CODE.findall(text) if re.fullmatch(r"(reconciler|tests|benchmarks)/[\w./]+", code)}
    assert len(named) > 15
    assert [code for code in sorted(named) if "NAME" not in code and not (REPOSITORY / code).exists()] == []
    stated = {
        row[0].strip("`"): frozenset(filter(None, (name.strip() for name in row[2].split(","))))
        for row in table(section(text, "Who may import whom"))
    }
    allowed = runpy.run_path(str(REPOSITORY / "tests" / "test_imports.py"))["MAY_IMPORT"]
    assert stated.pop("cli") == {"everything"}
    assert stated == {package: names for package, names in allowed.items() if package != "cli"}


EXAMPLES = {
    ("desired-state", "reconciler.yaml"): ("reconciler.yaml", False),
    ("desired-state", "People"): ("users/ada.lovelace.yaml", False),
    ("desired-state", "Groups"): ("groups/social-media.yaml", False),
    ("desired-state", "rules"): ("groups/engineering.yaml", True),
    ("desired-state", "From and until"): ("groups/customer-care.yaml", False),
    ("desired-state", "app.yaml"): ("apps/hootsuite/app.yaml", False),
    ("desired-state", "auth"): ("apps/hootsuite/app.yaml", True),
    ("desired-state", "scope"): ("apps/hootsuite/app.yaml", True),
    ("desired-state", "notify"): ("apps/hootsuite/app.yaml", True),
    ("desired-state", "profile"): ("apps/hootsuite/app.yaml", True),
    ("desired-state", "tests.yaml"): ("apps/hootsuite/tests.yaml", False),
    ("mappings", "Mappings"): ("apps/hootsuite/mappings.yaml", False),
    ("gallery", "Correcting a profile"): ("apps/hootsuite/app.yaml", True),
    ("guardrails", "Who is never touched"): ("apps/hootsuite/app.yaml", True),
    ("matching", "Renames"): ("users/ada.lovelace.yaml", True),
}
"""(page, heading) of a YAML example → the file of the example company that it can stand in; True: as a part of it."""


@pytest.mark.parametrize(("where", "file"), EXAMPLES.items(), ids=lambda value: str(value[0]))
def test_every_yaml_example_is_valid(
    where: tuple[str, str], file: tuple[str, bool], tmp_path: Path, reconciler: Callable[..., Any]
) -> None:
    name, heading = where
    path, part = file
    company = tmp_path / "company"
    shutil.copytree(REPOSITORY / "desired-state", company, ignore=shutil.ignore_patterns(".reconciler"))
    example = next(block for language, block in FENCE.findall(section(page(name), heading)) if language == "yaml")
    if part:
        whole = yaml.safe_load((company / path).read_text(encoding="utf-8"))
        example = yaml.safe_dump({**whole, **yaml.safe_load(example)}, allow_unicode=True)
    (company / path).write_text(example, encoding="utf-8")
    called = reconciler("validate", company, "--strict")
    assert called.code == 0, called.err
    if path.endswith("tests.yaml"):
        assert reconciler("test", company).code == 0


def test_every_yaml_block_is_an_example_that_is_checked() -> None:
    """But the attributes of the functions' examples, which have a test of their own."""
    languages = [language for name in NAMES for language, _ in FENCE.findall(page(name))]
    assert languages.count("yaml") == len(EXAMPLES)


# -- what stands in `console` blocks is run


@dataclass
class Block:
    """One console block, and the `text` block right after it, which shows what comes of it."""

    commands: list[str]
    shown: list[str] = field(default_factory=list)
    output: str = ""


SANDBOX = ".venv/bin/reconciler sandbox"
PORT = "8765"
STARTED = re.compile(r"at (http://127\.0\.0\.1:(\d+)/scim/v2)")


def console(text: str) -> list[Block]:
    """All console blocks but those about make, which the suite itself stands for.

    A `text` block shows what comes of the console block before it, if at most one paragraph stands between them.
    """
    found: list[Block] = []
    end: int | None = None
    for fence in FENCE.finditer(text):
        language, content = fence.groups()
        lines = [line for line in content.splitlines() if line.strip()]
        if language == "console" and not content.startswith("make "):
            found.append(Block(lines))
            end = fence.end()
        elif language == "text" and end is not None:
            between = text[end : fence.start()].strip()
            if "\n\n" not in between and not between.startswith("#"):
                found[-1].shown = lines
            end = None
    return found


@contextlib.contextmanager
def sandbox(environment: dict[str, str]) -> Iterator[str]:
    """The documented command, on the documented port if that is free. Yields the port. Only the rate is another."""
    for port in (PORT, "0"):
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "sandbox", "--port", port, "--rate", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            started = STARTED.search(process.stdout.readline())
            if started:
                yield started[2]
                return
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.close()
            process.wait(timeout=20)
    pytest.fail("the sandbox does not start")


def run(blocks: list[Block], folder: Path, before: Iterable[str] = ()) -> None:
    """Runs all blocks in one shell, in a copy of what a clone holds. Every command must end with the code it says."""
    shutil.copytree(
        REPOSITORY / "desired-state", folder / "desired-state", ignore=shutil.ignore_patterns(".reconciler")
    )
    with (folder / "desired-state" / "apps" / "hootsuite" / "app.yaml").open("a", encoding="utf-8") as app:
        app.write("\nprofile: {rate: {perSecond: 1000}}\n")  # the suite has no time for the real pace
    shim = folder / ".venv" / "bin" / "reconciler"
    shim.parent.mkdir(parents=True)
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "GIT_CEILING_DIRECTORIES": str(folder)}
    environment |= {
        f"GIT_{who}_{what}": "ada@contoso.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment.pop("CI", None)
    with sandbox(environment) as port:
        script = ['export PATH="$PWD/.venv/bin:$PATH"', *(f"{line} || exit 99" for line in before)]
        for number, block in enumerate(blocks):
            script.append(f"echo '@@block {number}'")
            for line in block.commands:
                if not line.startswith(SANDBOX):
                    script += [line, f'echo "@@code $? {_code(line)}"']
        text = re.sub(r"(reconciler apply\b(?!.*--yes))", r"\1 --yes", "\n".join(script).replace(PORT, port))
        done = subprocess.run(
            ["bash", "-c", text], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    parts = re.split(r"^@@block \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(parts) == len(blocks), done.stdout
    for block, output in zip(blocks, parts, strict=True):
        block.output = output.replace(port, PORT)
        for came, due in re.findall(r"^@@code (\d+) (\d+)$", output, re.MULTILINE):
            assert came == due, output


def _code(line: str) -> str:
    stated = re.search(r"# exit code (\d+)", line)
    return stated[1] if stated else "0"


def runnable() -> list[Path]:
    return [path for path in PAGES if any("reconciler" in " ".join(b.commands) for b in console(_text(path)))]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _same(line: str) -> str:
    return " ".join(line.split())


def setting_up() -> list[str]:
    """README's way to an applied company, for pages that begin there."""
    lines = [line for block in console(_text(README)) for line in block.commands]
    return [
        line.replace(".venv/bin/", "")
        for line in lines
        if line.startswith(("cp ", "sed ", "export ")) or "reconciler apply" in line
    ]


def test_what_readme_says_comes_true(tmp_path: Path) -> None:
    blocks = console(_text(README))
    assert [SANDBOX] in [block.commands for block in blocks]
    run(blocks, tmp_path)
    (story,) = [block for block in blocks if any("reconciler apply" in line for line in block.commands)]
    assert story.commands[-1] == ".venv/bin/reconciler plan my-company"
    *_, last = re.split(r"^@@code.*\n", story.output.strip().removesuffix("@@code 0 0"), flags=re.MULTILINE)
    assert "Nothing to do. 0 held." in last
    assert "30 people gain access" in story.output
    assert "✗" not in story.output


@pytest.mark.parametrize("path", runnable(), ids=lambda path: path.stem)
def test_the_commands_of_a_page_run_and_show_what_it_says(path: Path, tmp_path: Path) -> None:
    blocks = console(_text(path))
    if "curl " in _text(path) and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    begins = any("cp -r desired-state" in line or "git init" in line for block in blocks for line in block.commands)
    run(blocks, tmp_path, () if begins else setting_up())
    for block in blocks:
        came = [_same(line) for line in block.output.splitlines()]
        for line in block.shown:
            assert any(_same(line) in each for each in came), f"{line}\n\n{block.output}"


def test_pages_with_commands_are_found() -> None:
    assert {"first-steps", "guardrails", "matching", "mappings", "commands"} <= {path.stem for path in runnable()}
    shown = sum(len(block.shown) for path in runnable() for block in console(_text(path)))
    assert shown > 10

"""The house keeps its rules: who may import whom, one importer of httpx, no print, modules of a few screens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "reconciler"

# errors is everybody's: an error tree that only two packages may raise from would be no tree
MAY_IMPORT: dict[str, frozenset[str]] = {
    "model": frozenset(),
    "desired": frozenset({"model"}),
    "project": frozenset({"model"}),
    "plan": frozenset({"model"}),
    "gallery": frozenset({"model"}),
    "http": frozenset(),
    "live": frozenset({"model", "http", "gallery"}),
    "state": frozenset({"model"}),
    "apply": frozenset({"model", "plan", "project", "live", "state", "gallery", "http"}),
    "sandbox": frozenset({"model", "gallery"}),
    "render": frozenset({"model"}),
    "forge": frozenset({"model", "render", "http"}),
    "sso": frozenset({"model", "http"}),
    "evidence": frozenset({"model", "desired", "project", "plan", "gallery"}),
    "sources": frozenset({"model", "desired", "live", "http"}),
    "session": frozenset({"model", "desired", "project", "plan", "gallery", "http", "live", "state", "apply", "sso"}),
    "service": frozenset({"model", "desired", "project", "plan", "gallery", "http", "live", "state", "apply", "render",
                          "forge", "session", "evidence", "sso"}),
    "cli": frozenset({"model", "desired", "project", "plan", "gallery", "http", "live", "state", "apply", "sandbox",
                      "render", "forge", "session", "service", "sources", "evidence", "sso"}),
}  # fmt: skip
"""The table of the architecture. apply may name http's Client, which it hands to live."""
ALONE = {"apply/rehearse.py": frozenset({"sandbox"})}
"""What one module may import beyond its package: a rehearsal needs an application that is none."""
PURE = ("project", "plan", "model")
IMPURE_MODULES = frozenset({"httpx", "aiohttp", "os", "socket", "subprocess", "time", "random", "asyncio", "pathlib"})


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "example" not in p.parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.module, node.lineno
            if node.module == "reconciler":
                yield from ((f"reconciler.{alias.name}", node.lineno) for alias in node.names)


def package_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_packages_import_only_what_the_table_allows(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package, "errors", "__version__"}
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in modules()
        if package_of(path) == package
        for name, line in imports(path)
        if name.startswith("reconciler.")
        and name.split(".")[1] not in allowed | ALONE.get(path.relative_to(PACKAGE).as_posix(), frozenset())
    ]
    assert not wrong


def test_every_package_is_in_the_table() -> None:
    folders = {p.parent.relative_to(PACKAGE).parts[0] for p in modules() if p.parent != PACKAGE}
    assert folders == set(MAY_IMPORT)


def test_only_http_imports_httpx_and_aiohttp() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in modules()
        for name, line in imports(path)
        if name.split(".")[0] in ("httpx", "aiohttp", "httpx_aiohttp") and package_of(path) != "http"
        and not _typing_only(path, line)
    ]  # fmt: skip
    assert not wrong


def _typing_only(path: Path, line: int) -> bool:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return node.lineno <= line <= (node.end_lineno or 0)
    return False


@pytest.mark.parametrize("package", PURE)
def test_the_core_does_no_io(package: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in modules()
        if package_of(path) == package
        for name, line in imports(path)
        if name.split(".")[0] in IMPURE_MODULES
    ]
    assert not wrong


@pytest.mark.parametrize("package", PURE)
def test_the_core_reads_no_clock(package: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in modules()
        if package_of(path) == package
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "environ")
        and isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date", "os")
    ]  # fmt: skip
    assert not wrong


def test_the_reader_has_no_method_that_writes() -> None:
    from reconciler.live import Reader

    verbs = ("create", "update", "delete", "add", "remove", "write", "put", "post", "patch", "replace", "send")
    assert not [name for name in dir(Reader) if name.lstrip("_").startswith(verbs)]


def test_the_writer_is_made_only_in_apply() -> None:
    makers = {
        package_of(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Writer"
    }
    assert makers == {"apply"}


def test_no_print_outside_the_command_line() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in modules()
        if package_of(path) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_modules_stay_under_400_lines() -> None:
    long = {str(p.relative_to(PACKAGE)): n for p in modules() if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert not long

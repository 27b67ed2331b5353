"""Memory that changes cost: whole processes, beside the same plan with nothing to change."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.company import Company, write_app
from benchmarks.processes import RECONCILER, measure, serving
from benchmarks.table import Row, table
from reconciler.sandbox import Sandbox

KB: Final = 1000
AIM: Final = 4.0
"""KB that one change may cost at the most."""


def run(sizes: Sequence[int]) -> tuple[str, list[Row]]:
    """Everybody's display name changes; then everybody is new. Peaks of resident memory, of fresh processes."""
    rows = [row for people in sizes for row in (*_updates(people), _creations(people))]
    return table(f"memory: KB a change, beyond the same plan with nothing to change (aim: {AIM:.0f})", rows), rows


def _updates(people: int) -> list[Row]:
    company = Company(people)
    with tempfile.TemporaryDirectory() as folder:
        root, held = Path(folder, "desired"), Path(folder, "sandbox.json")
        company.write(root)
        sandbox = Sandbox("scim", acts_as=None, state=held)
        company.hire(sandbox)
        sandbox.save()
        del sandbox
        with serving("scim", "--rate", "0", "--state", str(held)) as url:
            _write_app(root, url)
            measure([*RECONCILER, "apply", str(root), "--yes"])
            nothing = measure([*RECONCILER, "plan", str(root), "--detailed-exitcode"]).memory
            for file in (root / "users").iterdir():
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace("displayName: ", "displayName: Dr "), encoding="utf-8")
            command = [*RECONCILER, "plan", str(root)]
            planned = measure([*command, "--detailed-exitcode"], expect=(2,)).memory
            kept = measure([*command, "--out", str(Path(folder, "plan.json"))]).memory
            applied = measure([*RECONCILER, "apply", str(root), "--yes"]).memory
            if measure([*command, "--detailed-exitcode"], expect=(0,)).exit_code:
                raise SystemExit("the plan after the apply is not empty")
    peaks = {"plan": planned, "plan --out": kept, "apply": applied}
    return [_row(f"update, {name}", people, peak, nothing) for name, peak in peaks.items()]


def _creations(people: int) -> Row:
    """Without groups: a membership is a row of its own. What is not there yet is not read either."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "desired")
        Company(people).write(root)
        for file in (root / "groups").iterdir():
            file.unlink()
        with serving("scim", "--rate", "0", "--users", "0") as url:
            _write_app(root, url)
            whole = measure([*RECONCILER, "plan", str(root)]).memory
            app = root / "apps" / "bench" / "app.yaml"
            text = app.read_text(encoding="utf-8")
            nobody = "scope: {everyone: true, filters: [[{attribute: mail, operator: EQUALS, value: nobody}]]}"
            app.write_text(text.replace("scope: {everyone: true}", nobody), encoding="utf-8")
            nothing = measure([*RECONCILER, "plan", str(root)]).memory
    return _row("creation, plan", people, whole, nothing)


def _write_app(root: Path, url: str) -> None:
    write_app(root, "scim", url)
    app = root / "apps" / "bench" / "app.yaml"
    text = app.read_text(encoding="utf-8").replace("guardrails:\n", "guardrails:\n  updateUsers: {percent: 100}\n")
    app.write_text(text, encoding="utf-8")


def _row(what: str, people: int, peak: int, nothing: int) -> Row:
    return {
        "what": what,
        "changes": people,
        "KB a change": (peak - nothing) / people / KB,
        "peak MB": peak / KB / KB,
        "nothing to change MB": nothing / KB / KB,
    }

"""Templates of the files that `init` writes."""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(folder: str, **signs: str) -> Environment:
    """For the templates in a folder of ours. `signs`: other ones than jinja's, by jinja's names for them."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # late: two commands need it

    there = resources("reconciler.desired") / "templates" / folder
    return Environment(
        loader=FunctionLoader(lambda name: (there / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  it is YAML: what is put in is checked, or quoted
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **signs,  # type: ignore[arg-type]
    )

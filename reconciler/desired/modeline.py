"""The line at the top of a file by which an editor finds its schema, right from whatever folder the file is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FOLDER: Final = ".schemas"
"""At the top of the desired state; `init` puts the schemas there."""
_LINE: Final = re.compile(
    r"\A(#[ \t]*yaml-language-server:[ \t]*\$schema=)((?:\.{1,2}/)*)\.schemas/([a-z]+\.json)(?=\s|\Z)"
)


def schemas_in(root: Path) -> frozenset[str]:
    """Names of the files in the folder of schemas; none without one."""
    try:
        return frozenset(path.name for path in (root / FOLDER).iterdir() if path.is_file())
    except OSError:
        return frozenset()


def pointed(text: str, file: str, schemas: frozenset[str]) -> str:
    """The text of a file, its first line leading to the same schema from where the file is now. `file` is relative to
    the desired state, with `/`. A line that names anything else stays: somebody keeps schemas elsewhere.
    """
    found = _LINE.match(text)
    if found is None or found[3] not in schemas:
        return text
    return f"{found[1]}{'../' * file.count('/')}{FOLDER}/{found[3]}{text[found.end() :]}"

"""`python -m benchmarks`: the figures, each with its yardstick. Ratios count; absolute times are this machine's.

Without arguments the promised figures are measured, which takes about half an hour on two cores, and stand in one table
at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    applying,
    counting,
    few,
    history,
    killing,
    members,
    planning,
    reading,
    remembering,
    starting,
    summary,
)

GALLERIES = ("scim", "hootsuite")
PROMISED = ("plan", "files", "few", "apply", "members", "start")
BENCHES = (*PROMISED, "requests", "memory", "history", "killing")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one table after the other, and keeps the figures in `--json FILE`."""
    options = _options(arguments)
    sizes = options.people or [1_000, 10_000, 100_000]
    benches: dict[str, Callable[[], tuple[str, Any]]] = {
        "plan": lambda: planning.run(sizes, options.gallery or GALLERIES, options.rounds),
        "files": lambda: reading.run(sizes, options.rounds),
        "few": lambda: few.run(sizes, options.rounds),
        "apply": lambda: applying.run(options.creations, options.limited),
        "members": lambda: members.run(options.members, options.gallery or GALLERIES),
        "requests": lambda: counting.run(options.changed),
        "memory": lambda: remembering.run(sizes),
        "start": lambda: starting.run(options.starts),
        "history": lambda: history.run(options.cycles, options.entries, options.rounds, options.history),
        "killing": lambda: killing.run(options.company, options.kills, options.seed),
    }
    figures: dict[str, Any] = {}
    for name in benches if options.all else options.bench or PROMISED:
        text, figures[name] = benches[name]()
        sys.stdout.write(f"{text}\n\n")
        sys.stdout.flush()
    table = summary.markdown(figures, sizes)
    sys.stdout.write(f"{table}\n")
    if options.markdown:
        options.markdown.write_text(f"{table}\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("bench", nargs="*", metavar="BENCH", help=f"{', '.join(BENCHES)}; if left out, {', '.join(PROMISED)}")
    add("--people", type=int, nargs="+", metavar="N", help="sizes of the company; 1000 10000 100000 if left out")
    add("--all", action="store_true", help="every bench, also those that cost more than they promise")
    add("--gallery", action="append", choices=GALLERIES, help="only this application; repeatable")
    add("--rounds", type=int, default=3, metavar="N", help="interleaved runs of each plan (default: %(default)s)")
    add("--creations", type=int, default=10_000, metavar="N", help="at 50 ms each (default: %(default)s)")
    add("--limited", type=int, default=300, metavar="N", help="creations at 20 a second (default: %(default)s)")
    add("--members", type=int, default=10_000, metavar="N", help="of one group (default: %(default)s)")
    add("--changed", type=int, default=1_000, metavar="N", help="accounts of one apply (default: %(default)s)")
    add("--starts", type=int, default=15, metavar="N", help="runs of --help (default: %(default)s)")
    add("--cycles", type=int, default=10_000, metavar="N", help="of the history (default: %(default)s)")
    add("--entries", type=int, default=1_000_000, metavar="N", help="of the history (default: %(default)s)")
    add("--history", metavar="URL", help="an empty database of PostgreSQL for it, instead of a file")
    add("--company", type=int, default=1_600, metavar="N", help="people of the killed applies (default: %(default)s)")
    add("--kills", type=int, default=20, metavar="N", help="(default: %(default)s)")
    add("--seed", type=int, metavar="N", help="of the moments of the kills; printed with the result")
    add("--json", type=Path, metavar="FILE", help="keep the figures there")
    add("--markdown", type=Path, metavar="FILE", help="keep the table there")
    options = parser.parse_args(arguments)
    if unknown := set(options.bench) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()

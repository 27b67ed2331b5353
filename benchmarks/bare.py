"""The yardstick of `--help`: a click program with as many commands, and nothing else."""

from __future__ import annotations

import click


@click.group()
def root() -> None:
    """Nothing."""


for name in ("demo", "validate", "test", "check", "plan", "apply", "drift", "sandbox"):
    root.add_command(click.Command(name, help=f"does {name}"))

if __name__ == "__main__":
    root()

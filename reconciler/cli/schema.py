"""`reconciler schema`: JSON Schema of what people write and what programs read."""

from __future__ import annotations

import click

from reconciler.desired.schemas import SCHEMAS, published


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(list(SCHEMAS)))
def schema(name: str) -> None:
    """Print the JSON Schema (draft 2020-12) of user, group, app, mappings, tests, settings (reconciler.yaml), profile,
    plan, state or snapshot.

    Editors complete and check files with it: reconciler schema app > app.schema.json, and as the first line of app.yaml
    # yaml-language-server: $schema=app.schema.json
    """
    import orjson

    click.echo(orjson.dumps(published(name), option=orjson.OPT_INDENT_2) + b"\n", nl=False)

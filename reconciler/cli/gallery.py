"""`reconciler gallery`: which applications are known, and everything that is known of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.model.profile import Profile


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@options.output
def gallery(name: str | None, form: str) -> None:
    """Show which applications the gallery knows; with NAME everything that it knows of one.

    What an application can't do, its limits, what it does otherwise than the standard and where that is written, and
    the mappings that hold unless you write others. What your tenant does otherwise goes into `profile:` of app.yaml.
    """
    from reconciler.cli.plans import style
    from reconciler.gallery import load_profile, names
    from reconciler.render.gallery import application, overview

    if name is not None:
        profile = load_profile(name)
        told = profile.model_dump(mode="json", by_alias=True)
        click.echo(_json(told) if form == "json" else application(profile, style()), nl=False)
        return
    profiles = [load_profile(each) for each in names()]
    click.echo(_json([_short(p) for p in profiles]) if form == "json" else overview(profiles, style()), nl=False)


def _short(profile: Profile) -> dict[str, Any]:
    keys = {"name", "title", "description", "verified", "tenant_url", "cannot"}
    return profile.model_dump(mode="json", by_alias=True, include=keys)


def _json(told: Any) -> bytes:
    import orjson

    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"

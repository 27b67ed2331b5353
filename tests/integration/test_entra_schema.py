"""A schema that Entra exported plans what the gallery's mappings plan, to the byte, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from reconciler.gallery import load_profile
from reconciler.model.directory import Directory
from reconciler.model.mapping import Mappings
from reconciler.model.plan import Plan
from reconciler.plan.written import document
from reconciler.project.judge import Judge
from reconciler.sources.entra.conversion import convert
from reconciler.sources.entra.document import read_schema
from reconciler.sources.entra.written import Place, mappings_text

if TYPE_CHECKING:
    from tests.conftest import SandboxStory

HOOTSUITE = Path(__file__).parents[1] / "data" / "entra" / "hootsuite.json"


def mappings(*, without_the_gallerys: bool) -> str:
    """What the import writes; without the gallery's mappings to leave out, every one of the schema's."""
    profile = load_profile("hootsuite")
    if without_the_gallerys:
        profile = profile.model_copy(update={"mappings": Mappings()})
    found = convert(read_schema(HOOTSUITE.read_bytes()), profile, {}, Judge(profile, Directory({}, {})))
    text = mappings_text(found, Place("app", profile, "https://x.example", "X"))
    return f"replace: true\n{text}" if without_the_gallerys else text


def told(plan: Plan) -> bytes:
    """The plan as it is written, but for what says when it was made and of which bytes."""
    whole = document(plan)
    del whole["digest"], whole["asOf"], whole["desired"]["digest"], whole["live"]["readAt"]
    return orjson.dumps(whole)


def odd(story: SandboxStory) -> None:
    """People in whom every mapping shows."""
    company = story.company
    company.edit_person("ada.lovelace", preferredLanguage="en", timeZone="Europe/London")
    company.edit_person("grace.hopper", accountEnabled=False)
    company.edit_person("mary.somerville", mail="mary.s@contoso.com", surname="Størmer-ß")
    story.sandbox.add_user("alan@contoso.com", displayName="Alan T.", active=True)


@pytest.mark.parametrize("whole", [False, True])
def test_the_same_plan_byte_for_byte(story_of: Callable[..., Any], whole: bool) -> None:
    story: SandboxStory = story_of("hootsuite")
    odd(story)
    before = told(story.plan())
    story.company.write("apps/app/mappings.yaml", mappings(without_the_gallerys=whole))
    assert told(story.plan()) == before
    assert b"createUser" in before
    story.converge()
    story.company.edit_person("ada.lovelace", displayName="Ada King", mail="ada.king@contoso.com")
    story.company.remove_person("linus.byrne")
    after = told(story.plan())
    (story.company.root / "apps/app/mappings.yaml").unlink()
    assert told(story.plan()) == after
    assert b"deactivateUser" in after

"""The tutorial of docs/recommenders.md, executed as it stands there: its folder, line, test and settings."""

import re
import sys
import tomllib
from types import ModuleType

import pytest

import recommenders
from batch_layer.learning.asking import InteractionsPast
from recommenders import settings_of
from recommenders.cohort import Cohort
from recommenders.opened import asked_for, fit_all, open_all
from schemas.rules import Rules
from tests.contract.recommender_contract import tastes
from tests.kit.places import ROOT

TEXT = (ROOT / "docs/recommenders.md").read_text("utf-8").partition("## Add your own")[2]
FOLDER, LINE, TEST = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
(SETTINGS,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(autouse=True)
def followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the tutorial says, for one test."""
    table = dict(recommenders.TABLE)
    exec(LINE, {"TABLE": table})
    monkeypatch.setitem(recommenders.TABLE, "shared", table["shared"])
    module = ModuleType("recommenders.shared")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(FOLDER, vars(module))


exec(TEST, globals())


def test_the_tutorials_settings_have_it_learned_and_asked() -> None:
    settings = settings_of(tomllib.loads(SETTINGS)["recommenders"])
    assert asked_for(settings)[-1] == "shared"
    events = tastes()
    past = InteractionsPast(events, Cohort.of(events, Rules()).names)
    artefacts = fit_all(past, {**settings, "als": settings_of({"als": {"weight": 0}})["als"]})
    assert list(artefacts) == ["shared"]
    assert open_all(artefacts, settings)["shared"].weight == 0.3

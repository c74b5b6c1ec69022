"""``python -m adapters.settings.page [FILE]`` writes the tables of ``docs/settings.md`` from the code; prose stays."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from adapters.settings.places import PLACES, RECOMMENDERS, SECTIONS, section_fields
from adapters.settings.settings import Settings
from adapters.settings.sources import PREFIX
from core.settings import Setting, setting_of
from core.settings.units import AS_TEXT, limit_text
from recommenders import TABLE, recommender

BEGIN, END = "<!-- begin: made by `make format` from the code -->", "<!-- end -->"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def written(page: str) -> str:
    """Return the page with its tables as the code has them now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{chr(10).join(_tables())}\n{END}{after}"


def _tables() -> Iterator[str]:
    alone = {entry.name: entry for entry in fields(Settings) if setting_of(entry).about}
    yield from _table("", "Outside sections", alone.items())
    for section, kind in SECTIONS.items():
        yield from _table(section, f"`[{section}]`", section_fields(kind), (kind.__doc__ or "").partition("\n")[0])
    for name in TABLE:
        section = f"{RECOMMENDERS}.{name}"
        yield from _table(section, f"`[{section}]`", section_fields(recommender(name).settings))


def _table(section: str, title: str, entries: "Iterable[tuple[str, Field[Any]]]", about: str = "") -> Iterator[str]:
    variables = {str(place): PREFIX + name.upper() for name, place in PLACES.items()}
    yield from (f"### {title}", "", *([about, ""] if about else []))
    yield from ("| key | default | meaning | why this default | variable |", "| --- | --- | --- | --- | --- |")
    for key, entry in entries:
        rules = setting_of(entry)
        variable = variables.get(f"{section}.{key}" if section else key)
        name, shown = f"`{key}` *" if rules.rule else f"`{key}`", f"`{variable}`" if variable else ""
        yield f"| {name} | {_default(entry, rules)} | {_meaning(rules)} | {rules.why} | {shown} |"
    yield ""


def _default(entry: "Field[Any]", rules: Setting) -> str:
    if rules.default_is:
        return rules.default_is
    value: Any = entry.default if entry.default_factory is MISSING else entry.default_factory()
    return f"`{AS_TEXT.get(rules.unit, str)(value)}`"


def _meaning(rules: Setting) -> str:
    limits = [f"at least {limit_text(rules.at_least, rules.unit)}"] if rules.at_least is not None else []
    limits += [f"at most {limit_text(rules.at_most, rules.unit)}"] if rules.at_most is not None else []
    return f"{rules.about} ({', '.join(limits)})" if limits else rules.about


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")

"""Reads ``millrace.toml`` and the environment: each given value with its place and its given name."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from adapters.settings.places import GONE, PLACES, RECOMMENDERS, SECTIONS, TABLES, Place, section_fields
from adapters.terminal.reporting import note
from core.settings import nearest
from core.text.masking import masked
from schemas.errors import SettingsError

PREFIX = "MILLRACE_"
# Read elsewhere: the path of the file, options of the relay, and variables of tests and benchmarks.
NOT_SETTINGS = {"CONFIG", "RELAY_FROM_OPTIONS", "TEST_DATA", "SEARCH", "FAULT"}
# Kubernetes gives every container variables about each service, which begin with the service's name.
_SERVICE_VARIABLE = re.compile(r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)")
_SERVICE_PORT = re.compile(r"(?:tcp|udp|sctp)://")


class Given(NamedTuple):
    """A value as it was written; messages call it ``name``."""

    place: Place
    name: str
    value: Any


def given_values(cwd: Path, env: Mapping[str, str]) -> list[Given]:
    """Return the values of file and environment in the order of their effect; a variable replaces the file's key.

    Raises:
        SettingsError: an unknown key or a file that cannot be read; never shows a secret.
    """
    variables = list(_from_environment(env))
    replaced = {given.place for given in variables}
    file = [given for given in _from_file(cwd, env.get(PREFIX + "CONFIG")) if given.place not in replaced]
    tables = [given for given in (*file, *variables) if given.place == TABLES]
    alone = [[given for given in source if given.place != TABLES] for source in (file, variables)]
    return [*alone[0], *tables, *alone[1]]


def of_a_service(key: str, text: str) -> bool:
    """Return whether Kubernetes set ``MILLRACE_<key>`` for a service called ``millrace`` or ``millrace-…``."""
    return bool(_SERVICE_VARIABLE.fullmatch(key) or (re.fullmatch(r"(?:\w+_)?PORT", key) and _SERVICE_PORT.match(text)))


def _from_environment(env: Mapping[str, str]) -> Iterator[Given]:
    ignored = []
    for variable, text in env.items():
        key = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or key in NOT_SETTINGS:
            continue
        if of_a_service(key, text):
            ignored.append(variable)
        elif key.lower() in GONE:
            _note_gone(variable)
        elif key.lower() not in PLACES:
            where = f"environment variable {variable}"
            raise SettingsError(f"unknown setting '{masked(key.lower())}' in {where}: {nearest(key.lower(), PLACES)}")
        else:
            yield Given(PLACES[key.lower()], f"'{key.lower()}'", text)
    _note_ignored(tuple(sorted(ignored)))


def _from_file(cwd: Path, named: str | None) -> list[Given]:
    path = cwd / (named or "millrace.toml")
    tables = _read(path, named)
    given: list[Given] = []
    old: list[Place] = []
    for name, value in tables.items():
        if name in SECTIONS:
            given += _in_section(path, name, value)
        elif name in GONE:
            _note_gone(f"{name} in {path}")
        elif name in PLACES:
            given.append(Given(PLACES[name], f"'{name}'", value))
            old += [PLACES[name]] if PLACES[name].section else []
        else:
            advice = nearest(name, [*PLACES, *SECTIONS])
            raise SettingsError(f"unknown setting '{masked(name)}' in {path}: {advice}")
    _require_once(path, given, tables.get(RECOMMENDERS))
    _note_old(str(path), tuple(old))
    return given


def _in_section(path: Path, section: str, table: Any) -> Iterator[Given]:
    if not isinstance(table, dict):
        raise SettingsError(f"'{section}' in {path} is a section: write [{section}] above its settings")
    known = [key for key, _ in section_fields(SECTIONS[section])]
    for key, value in table.items():
        if key not in known:
            elsewhere = PLACES.get(key)
            advice = f"it belongs in [{elsewhere.section}]" if elsewhere else nearest(key, known)
            raise SettingsError(f"unknown setting '{masked(key)}' in section [{section}] of {path}: {advice}")
        yield Given(Place(section, key), f"'{section}.{key}'", value)


def _require_once(path: Path, given: list[Given], tables: Any) -> None:
    """Raise SettingsError when a setting is given both in its section and outside it."""
    places = [value.place for value in given]
    for name, table in (tables if isinstance(tables, dict) else {}).items():
        places += [Place(f"{RECOMMENDERS}.{name}", key) for key in (table if isinstance(table, dict) else {})]
    for value in given:
        if places.count(value.place) > 1:
            raise SettingsError(f"{path} sets {value.place} in its section and outside it: keep the one in the section")


def _read(path: Path, named: str | None) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if named:
            raise SettingsError(f"MILLRACE_CONFIG names {path}, which does not exist") from None
        return {}
    except OSError as error:
        remedy = "make it a file that you may read, or name another in MILLRACE_CONFIG"
        raise SettingsError(f"{path} cannot be read ({error.strerror}): {remedy}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


# Notes, each once per process: settings are read by several parts of one command.


@cache
def _note_ignored(names: tuple[str, ...]) -> None:
    if names:
        note(f"ignored, as Kubernetes sets them for a service of that name: {', '.join(names)}")


@cache
def _note_gone(what: str) -> None:
    note(f"{what} has no effect any longer: remove it")


@cache
def _note_old(path: str, places: tuple[Place, ...]) -> None:
    if places:
        sections = groupby(sorted(places), key=lambda place: place.section)
        lines = "; ".join(f"[{section}] {', '.join(place.key for place in group)}" for section, group in sections)
        note(f"{path} has settings outside their sections, which still works; write them as {lines}")

"""Where settings come from: ``millrace.toml`` and the environment, as plain values in the types of their defaults."""

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from adapters.terminal.saying import note
from core.text.masking import masked
from schemas.errors import SettingsError

PREFIX = "MILLRACE_"
# Read elsewhere: the file's own place, and what tests and benchmarks use.
NOT_SETTINGS = {"CONFIG", "TEST_DATA", "SEARCH", "FAULT"}
# Kubernetes describes each service of a namespace to every container by variables that begin with the service's name.
_OF_A_SERVICE = re.compile(r"(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)")
_PORT_OF_A_SERVICE = re.compile(r"(?:tcp|udp|sctp)://")


def read_values(cwd: Path, env: Mapping[str, str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What file and environment say, each value in the type of its default; a variable wins over the file's key.

    Raises:
        SettingsError: an unknown key, a wrong type or a file that cannot be read; never shows a secret.
    """
    values = _from_file(cwd, env.get(PREFIX + "CONFIG"), defaults)
    ignored = []
    for name, text in env.items():
        key = name.removeprefix(PREFIX)
        if not name.startswith(PREFIX) or key in NOT_SETTINGS:
            continue
        if of_a_service(key, text):
            ignored.append(name)
            continue
        _require_known(key.lower(), defaults, f"environment variable {name}")
        values[key.lower()] = text
    _note_ignored(tuple(sorted(ignored)))
    return {key: converted(key, value, defaults[key]) for key, value in values.items()}


def of_a_service(key: str, text: str) -> bool:
    """Whether Kubernetes set the variable ``MILLRACE_<key>``, for a service called ``millrace`` or ``millrace-…``."""
    return bool(
        _OF_A_SERVICE.fullmatch(key) or (re.fullmatch(r"(?:\w+_)?PORT", key) and _PORT_OF_A_SERVICE.match(text))
    )


@cache
def _note_ignored(names: tuple[str, ...]) -> None:
    """Once a process."""
    if names:
        note(f"ignored, as Kubernetes sets them for a service of that name: {', '.join(names)}")


def _from_file(cwd: Path, named: str | None, defaults: Collection[str]) -> dict[str, Any]:
    path = cwd / (named or "millrace.toml")
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except FileNotFoundError:
        if named:
            raise SettingsError(f"MILLRACE_CONFIG names {path}, which does not exist") from None
        return {}
    except OSError as error:
        remedy = "make it a file that you may read, or name another in MILLRACE_CONFIG"
        raise SettingsError(f"{path} cannot be read ({error.strerror}): {remedy}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    for key in values:
        _require_known(key, defaults, str(path))
    return values


def _require_known(key: str, known: Collection[str], where: str) -> None:
    if key not in known:
        raise SettingsError(f"unknown setting '{masked(key)}' in {where}: {nearest(key, known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """Advice on a name that is none of the known ones."""
    close = difflib.get_close_matches(name, known, 3, 0.6)
    close += [each for each in known if each not in close and (each in name or name in each) and len(name) > 3]
    if close:
        return f"did you mean {' or '.join(close[:3])}?"
    return f"known are {', '.join(known)}"


def converted(key: str, value: Any, default: Any) -> Any:
    """The value in the type of the key's default; text from the environment is converted, a table is JSON there."""
    try:
        if isinstance(default, dict):
            table = json.loads(value) if isinstance(value, str) else value
            if not isinstance(table, dict):
                raise TypeError
            return table
        if isinstance(default, str | Path) and not isinstance(value, str):
            raise TypeError
        if isinstance(default, int | float) and not isinstance(value, str | int | float):
            raise TypeError
        if isinstance(value, bool) or (isinstance(default, int) and isinstance(value, float)):
            raise TypeError
        return type(default)(value)
    except (TypeError, ValueError, RecursionError, OverflowError):
        raise SettingsError(f"setting '{key}' must be {_kind(default)}, not {_said(value, default)}") from None


def _kind(default: Any) -> str:
    if isinstance(default, dict):
        return "of type table (JSON in the environment)"
    return f"of type {'text' if isinstance(default, str | Path) else type(default).__name__}"


def _said(value: Any, default: Any) -> str:
    """What was given instead; never what a table or a list holds, which may be a secret."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(default, dict):
        return "that" if isinstance(value, str) else type(value).__name__
    return repr(masked(value) if isinstance(value, str) else value)

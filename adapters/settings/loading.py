"""``load_settings``: the settings of a command, from the file and the environment."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from adapters.settings.settings import Settings
from adapters.settings.sources import given_values
from adapters.terminal.reporting import use_format


def load_settings(env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read ``MILLRACE_CONFIG`` or ``./millrace.toml`` if there, then the environment.

    Raises:
        SettingsError: an unknown key, a wrong type or an impossible value; names the key and the remedy.
    """
    cwd, settings = cwd or Path.cwd(), Settings()
    for place, name, value in given_values(cwd, os.environ if env is None else env):
        settings = settings.with_value(place, name, value)
    if settings.recommenders:
        _ = settings.recommender_settings  # raises for unknown tables and keys
    if env is None:
        use_format(settings.logging.format)
    return replace(settings, home=cwd / settings.home.expanduser())

"""Settings are read once, from ``millrace.toml`` and the environment, and handed down, whole or in sections.

``sections`` declares all settings; ``settings`` holds the sections; ``sources`` reads the file and the variables;
``page`` writes ``docs/settings.md``. A key ``kafka`` of ``[log]`` is ``MILLRACE_KAFKA`` in the environment, which wins.
"""

from adapters.settings.loading import load_settings
from adapters.settings.settings import Settings
from core.settings.units import milliseconds

__all__ = ["Settings", "load_settings", "milliseconds"]

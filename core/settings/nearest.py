"""Advice for unknown names."""

import difflib
from collections.abc import Collection


def nearest(name: str, known: Collection[str]) -> str:
    """Return a sentence that suggests the known names closest to an unknown one, or lists all."""
    close = difflib.get_close_matches(name, known, 3, 0.6)
    close += [other for other in known if other not in close and (other in name or name in other) and len(name) > 3]
    if close:
        return f"did you mean {' or '.join(close[:3])}?"
    return f"known are {', '.join(known)}"

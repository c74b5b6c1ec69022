"""Whether users may be served a kept generation that is not active, and the record as their readers see it."""

from core.control.changes import rollback
from schemas.control import Control
from schemas.errors import BadInput


def pinned(control: Control, name: str) -> Control:
    """Return the record as readers of that kept generation see it; as it is where there is no way back to it."""
    return control if why_not_pinned(control, name) else rollback(control, name)


def why_not_pinned(control: Control, name: str) -> str:
    """Return why nobody can be served that generation; empty where it can be."""
    try:
        rollback(control, name)
    except BadInput as error:
        return str(error)
    return ""

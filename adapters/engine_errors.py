"""Errors of ours that come back from an engine's tasks as text, as what they were."""

from schemas.errors import LogUnavailable, MillraceError, SettingsError, StoreUnavailable


def translated(error: BaseException, *others: type[MillraceError]) -> BaseException:
    """The error that a task raised, where it is one of ours or of ``others``; else the engine's own."""
    if isinstance(error, MillraceError):
        return error
    text = str(error)
    for kind in (*others, SettingsError, StoreUnavailable, LogUnavailable):
        if f"{kind.__name__}: " in text:
            found: BaseException = kind(_sentence(text, kind.__name__))
            return found
    if "NewerBase" in text:
        return StoreUnavailable("the views moved on while they were read")
    return error


def _sentence(text: str, name: str) -> str:
    """What follows the error's name in a traceback's last line."""
    return next(line.split(f"{name}: ", 1)[-1].strip() for line in text.splitlines() if f"{name}: " in line)

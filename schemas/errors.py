"""Errors, grouped by what the caller must do.

MillraceError
├── SettingsError     stop: a person must change a setting or free something
├── BadInput          this record, file or request is refused, continue
├── NotReady          wait: nothing can be read yet (exit 3, HTTP 503)
├── StoreUnavailable  retry; serving answers from the other view and says so
└── LogUnavailable    retry; the broker cannot be reached
"""

from typing import Any


class MillraceError(Exception):
    """The root of all errors. Its text is one sentence that names the remedy; commands print it without a traceback."""

    exit_status = 1
    outcome = "failed"  # the outcome of a batch run that it ends, for the last line of `--json`


class SettingsError(MillraceError):
    """A person must change something before this can work; a retry fails again."""


class BadInput(MillraceError):
    """This input is refused; other inputs are still taken."""


class Unprocessable(BadInput):
    """A whole request is refused (HTTP 422); ``rejected`` gives the reason for each entry."""

    def __init__(self, why: str, rejected: list[dict[str, Any]] | None = None) -> None:
        super().__init__(why)
        self.rejected = rejected or []


class NotReady(MillraceError):
    """Nothing can be read yet."""

    exit_status = 3


class StoreUnavailable(MillraceError):
    """A view store did not answer; a retry may succeed."""


class LogUnavailable(MillraceError):
    """The log did not answer; a retry may succeed."""

"""What Millrace adds to a Redis URL: a prefix, for installations that share a database."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from schemas.errors import SettingsError

USAGE = "redis://[user:password@]host:port/db[?prefix=name]"
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")


def without_prefix(url: str) -> tuple[str, str]:
    """Return the URL as Redis' client reads it, and the prefix that its ``prefix`` option names.

    Raises: SettingsError: an unusable prefix.
    """
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for name, value in options if name == "prefix"]
    if not named:
        return url, ""
    if len(named) > 1 or not _PREFIX.fullmatch(named[0]):
        raise SettingsError(f"A prefix in Redis has 1 to 64 letters, digits, '.', '_' and '-': use {USAGE}")
    query = urlencode([(name, value) for name, value in options if name != "prefix"])
    return parts._replace(query=query).geturl(), named[0]

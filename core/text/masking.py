"""Masks what may be a password in an address, however the address is mistyped."""

import re

_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:/+)*")
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[^:/?#@,\[\]\s]*)(?::\d{1,5})?"
_PLACE = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/[^?#@:]*)?")
_LOGIN = re.compile(r"([^:/@?#\s]*):.+", re.DOTALL)
_HARMLESS = re.compile(r"(?:replication|dc|tls|db|prefix)=[\w.-]*", re.ASCII)
HIDDEN = "***"


def masked(text: str) -> str:
    """Return the address with its password replaced by ``***``; what cannot be parsed is hidden completely.

    Everything up to the last ``@`` counts as the login: a password with a bare ``@`` or ``/`` makes the address invalid
    and must still not be shown. The path of a file, which may contain any character, stays.
    """
    if text.startswith("sqlite:///") or not re.search(r"[:@?]", text) or _is_path(text):
        return text
    scheme = _SCHEME.match(text)[0]  # type: ignore[index]  # it always matches, if only the empty text
    login, at, rest = text[len(scheme) :].rpartition("@")
    place, asked, query = rest.partition("?")
    user = _LOGIN.fullmatch(login)
    shown = (f"{user[1]}:" if user else "") + HIDDEN + at if at else ""
    options = "&".join(map(_option, query.split("&")))
    return scheme + shown + (place if _PLACE.fullmatch(place) else HIDDEN) + asked + options


def _is_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "~")) and not re.search(r":/|:[^/@]*@", text)


def _option(text: str) -> str:
    if not text or _HARMLESS.fullmatch(text):
        return text
    name = text.partition("=")[0] if "=" in text else ""
    return f"{name}={HIDDEN}" if re.fullmatch(r"[a-z_.]{1,40}", name) else HIDDEN

"""A client of schema registries with Confluent's interface: one request per schema, kept as long as the process."""

from typing import Any
from urllib.parse import quote, urlsplit

from core.text.masking import masked
from schemas.errors import BadInput, LogUnavailable, SettingsError

TIMEOUT_SECONDS = 10.0
_SERIALIZED = {"protobuf": {"format": "serialized"}}


class UnknownSchema(BadInput):
    """The registry does not know a schema's number."""


class SchemaRegistry:
    """``url`` may hold a name and a password, which go out as basic authentication and appear in no message."""

    def __init__(self, url: str) -> None:
        import requests

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("registry is a URL such as http://registry:8081")
        self._shown = masked(url)
        self._session = requests.Session()
        if parts.username:
            self._session.auth = (parts.username, parts.password or "")
        host = parts.hostname + (f":{parts.port}" if parts.port else "")
        self._url = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._errors = requests.RequestException

    def schema(self, number: int, form: str) -> Any:
        """Return the registry's answer for a schema, and as ``resolved`` the texts of its references, inner ones first.

        Raises: UnknownSchema, SettingsError when the registry refuses, LogUnavailable when it does not answer.
        """
        answer = self._get(f"/schemas/ids/{number}", form)
        return {**answer, "resolved": self._resolved(answer, form, set())}

    def _resolved(self, answer: Any, form: str, seen: set[tuple[str, int]]) -> list[str]:
        texts: list[str] = []
        for reference in answer.get("references") or ():
            place = (str(reference["subject"]), int(reference["version"]))
            if place not in seen:
                seen.add(place)
                inner = self._get(f"/subjects/{quote(place[0], safe='')}/versions/{place[1]}", form)
                texts += [*self._resolved(inner, form, seen), inner["schema"]]
        return texts

    def _get(self, path: str, form: str) -> Any:
        try:
            answer = self._session.get(self._url + path, params=_SERIALIZED.get(form), timeout=TIMEOUT_SECONDS)
            if answer.status_code == 404:
                raise UnknownSchema(f"the registry does not know {path}")
            if answer.status_code in (401, 403):
                raise SettingsError(f"the schema registry at {self._shown} refuses: give name and password in its URL")
            answer.raise_for_status()
            return answer.json()
        except self._errors as error:  # a text that is no JSON is one of them
            why = type(error).__name__
            raise LogUnavailable(f"the schema registry at {self._shown} does not answer ({why})") from None

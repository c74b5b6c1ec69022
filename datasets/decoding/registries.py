"""Where writers keep their schemas: what a decoder asks of a registry."""

from typing import Any, Protocol

from datasets.fields.acceptance import Dropped
from schemas.errors import BadInput


class Registry(Protocol):
    """A schema registry; ``adapters.log.registry`` is one."""

    def schema(self, number: int, form: str) -> Any:
        """Return what the registry answers for a schema. Raises BadInput for one that it does not know."""


def schema_of(registry: Registry, number: int, form: str) -> Any:
    """Return what the registry answers for the number in a record. Raises Dropped for one that it does not know."""
    try:
        return registry.schema(number, form)
    except BadInput as error:
        raise Dropped("unknown schema", str(error)) from None

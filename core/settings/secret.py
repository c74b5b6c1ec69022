"""Secret values: they mask themselves when printed, and reach workers unmasked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.text.masking import masked


@dataclass(frozen=True, repr=False)
class StoreUrl:
    """The address of a store, which may hold a password. An empty address is false and means the embedded store."""

    _text: str

    def reveal(self) -> str:
        """Return the address with its password, for the code that connects."""
        return self._text

    @property
    def scheme(self) -> str:
        """The part before ``://``."""
        return self._text.partition("://")[0]

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return masked(self._text)


class SecretOptions(Mapping[str, str]):
    """Options whose values may be passwords: printing shows only their names; reading a value reveals it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = dict(options)

    def __getitem__(self, name: str) -> str:
        return self._options[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def __repr__(self) -> str:
        return repr(dict.fromkeys(self._options, "****"))

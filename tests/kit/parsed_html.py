"""An HTML file as a tree, for tests of what it says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    within: "Element | None"
    inside: "list[Element]" = field(default_factory=list)
    text: str = ""

    def all(self) -> "Iterator[Element]":
        yield self
        for element in self.inside:
            yield from element.all()

    def named(self, name: str) -> "list[Element]":
        return [element for element in self.all() if element.name == name]

    def words(self) -> str:
        """Its text and that of what is in it, pictures apart."""
        parts = [self.text, *(element.words() for element in self.inside if element.name != "svg")]
        return " ".join(filter(None, parts))

    def is_within(self, name: str) -> bool:
        return self.within is not None and (self.within.name == name or self.within.is_within(name))


class Parsed(HTMLParser):
    """The elements of a document, which must be well nested."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self.at is self.root, f"{self.at.name} is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.inside.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        assert self.at.name == tag
        assert self.at.within is not None
        self.at = self.at.within

    def handle_data(self, data: str) -> None:
        self.at.text += data


def parsed(text: str) -> Element:
    """The root of a document, which must be well nested."""
    return Parsed(text).root

"""HTML and SVG elements. All escaping happens here: text is escaped where it enters an element, once."""

from collections.abc import Iterable
from html import escape
from typing import Any

from core.text.visible import visible

VOID = frozenset({"meta", "br"})


class Markup(str):
    """Finished HTML, which is not escaped again."""

    __slots__ = ()


Content = str | int | float | None | Iterable[Any]


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """Return the element with its content. Underscores of attribute names are hyphens; a trailing one is dropped.

    Attributes of None or False are left out. Plain text is escaped, in attributes too, and its control characters are
    shown as escapes, so that no id can act on the page or turn the direction of the text around it.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{given}>" if name in VOID else f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Content) -> Markup:
    """Return the content as one piece of HTML: text escaped, markup as it is, nothing for None."""
    if content is None:
        return Markup()
    if isinstance(content, Markup):
        return content
    if isinstance(content, str | int | float):
        return Markup(_text(content))
    return Markup("".join(joined(part) for part in content))


def prose(text: str) -> list[Content]:
    """Return a sentence in which what stands between backticks is code."""
    return [tag("code", part) if at % 2 else part for at, part in enumerate(text.split("`"))]


def _text(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(visible(str(value)), quote=True)

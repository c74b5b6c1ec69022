"""The map of items as SVG: a mark by category, in form and tone, and the names of the most popular items. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from millrace.report.item_map import Place
from millrace.report.markup import Content, Markup, tag
from millrace.report.words import name_of, short

WIDTH, HEIGHT, EDGE = 900, 560, 36
CATEGORIES, NAMED, LABEL = 10, 16, 26
TONES = ("batch", "speed", "accent", "warn", "bad")
# Each form as a path around (0, 0): categories are told apart without colour, too.
DOT = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"
FORMS = (DOT, "M-4.6-4.6h9.2v9.2h-9.2z", "M0-6L5.6 4.4H-5.6z", "M0-6.4L6 0L0 6.4L-6 0z")
OTHER = ("other", DOT)


@dataclass(frozen=True)
class DrawnMap:
    """``picture``: the SVG; ``legend``: marks with the names of their categories."""

    name: str
    picture: Markup
    legend: Content

    def figure(self, numbers: Content) -> Markup:
        """Return the map with its legend and its numbers to unfold."""
        caption = tag("figcaption", tag("strong", self.name), tag("span", self.legend, class_="legend"))
        unfolded = tag("details", tag("summary", "Numbers"), numbers)
        return tag("figure", caption, self.picture, unfolded, class_="map", aria_label=self.name)


def drawn_map(places: Sequence[Place], categories: Counter[str | None]) -> DrawnMap:
    """Draw the places; the most frequent categories have a mark of their own."""
    frequent = sorted((name for name in categories if name), key=lambda name: (-categories[name], name))[:CATEGORIES]
    marks = {name: (TONES[at % len(TONES)], FORMS[at % len(FORMS)]) for at, name in enumerate(frequent)}
    name = f"Map of {len(places)} items by their factors"
    drawn = [_mark(place, *marks.get(place.category or "", OTHER)) for place in reversed(places)]
    picture = tag(
        "svg", tag("title", name), drawn, _names(places), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=name,
    )  # fmt: skip
    rest = len(places) - sum(categories[name] for name in frequent)
    legend = [_key(short(name), *marks[name]) for name in frequent]
    return DrawnMap(name, picture, [*legend, _key("others", *OTHER) if rest else None])


def _at(place: Place) -> tuple[float, float]:
    x, y = ((1 + place.x) / 2, (1 - place.y) / 2)
    return EDGE + x * (WIDTH - 2 * EDGE), EDGE + y * (HEIGHT - 2 * EDGE)


def _mark(place: Place, tone: str, form: str) -> Markup:
    x, y = _at(place)
    about = f"{name_of({'item_id': place.item_id, 'title': place.title})} ({short(place.category or 'no category')})"
    return tag("path", tag("title", about), d=form, class_=tone, transform=f"translate({x:.1f} {y:.1f})")


def _key(name: str, tone: str, form: str) -> Markup:
    mark = tag("svg", tag("path", d=form, class_=tone), viewBox="-7 -7 14 14", class_="key", aria_hidden="true")
    return tag("span", mark, name)


def _names(places: Sequence[Place]) -> list[Markup]:
    """Return the names of the most popular items, leaving out those that would cover another name."""
    texts: list[Markup] = []
    taken: list[tuple[float, float, float]] = []
    for place in places:
        x, y = _at(place)
        text = name_of({"item_id": place.item_id, "title": place.title})
        text = text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"
        wide = 7.2 * len(text)
        left = x + 9 if x < WIDTH / 2 else x - 9 - wide  # towards the middle: on a phone names are twice as wide
        if any(abs(y - other) < 17 and left < end and begin < left + wide for begin, end, other in taken):
            continue
        taken.append((left, left + wide, y))
        flush = "start" if left > x else "end"
        class_ = "name" if len(texts) < NAMED // 3 else "name more"
        texts.append(tag("text", text, x=x + 9 if left > x else x - 9, y=y + 4, text_anchor=flush, class_=class_))
        if len(texts) == NAMED:
            break
    return texts

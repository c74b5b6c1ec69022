"""Inline SVG: each chart is a picture with a name. Pure.

The plots stretch to the width that is there, so their texts are HTML beside them and their lines do not scale.
"""

from collections.abc import Iterator, Mapping, Sequence

from millrace.report.markup import Content, Markup, tag

WIDTH, HEIGHT = 600.0, 120.0
TONES = ("batch", "speed", "accent", "warn", "bad", "good")
Point = tuple[float, float]


def picture(name: str, width: float, height: float, *content: Content, class_: str = "plot") -> Markup:
    """Return an SVG that stretches; screen readers say its name."""
    return tag(
        "svg", tag("title", name), content, class_=class_, viewBox=f"0 0 {width:g} {height:g}", role="img",
        preserveAspectRatio="none", aria_label=name,
    )  # fmt: skip


def spark(name: str, values: Sequence[float]) -> Markup:
    """Return a small line of values over time."""
    points = list(_points(values, max([1e-9, *values]), 100, 22))
    line = _path(points)
    end = tag("polyline", class_="end", points=_path(points[-1:] * 2))
    return picture(
        name, 100, 24, tag("polygon", class_="area", points=f"0,24 {line} 100,24"),
        tag("polyline", class_="line", points=line), end, class_="spark",
    )  # fmt: skip


def interval(name: str, value: float, bounds: tuple[float | None, float | None], most: float, one: bool) -> Markup:
    """Return a value with its interval on an axis from 0 to ``most``; ``one``: with a mark at 1."""

    def at(x: float) -> float:
        return 2 + 96 * min(max(x, 0), most) / max(most, 1e-9)

    low, high = bounds
    span = None if low is None or high is None else _line(at(low), 8, at(high), 8, "span")
    mark = _line(at(1), 2, at(1), 14, "one") if one and most >= 1 else None
    return picture(name, 100, 16, _line(2, 8, 98, 8, "axis"), mark, span, _dot((at(value), 8), ""), class_="interval")


def signed_bar(name: str, value: float, most: float) -> Markup:
    """Return a bar that leaves the middle: to the right for a rise, to the left for a fall."""
    end = 50 + 48 * value / max(most, 1e-9)
    bar = _line(50, 8, end, 8, "rise" if value > 0 else "fall")
    return picture(name, 100, 16, _line(50, 1, 50, 15, "axis"), bar, class_="interval")


def bars(name: str, values: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Markup:
    """Return bars, and over them lines with a scale of their own each."""
    step, top = WIDTH / max(1, len(values)), max([1e-9, *values])
    drawn = (
        tag("rect", class_="bar", x=at * step + step * 0.1, y=HEIGHT * (1 - value / top), width=step * 0.8,
            height=HEIGHT * value / top)
        for at, value in enumerate(values) if value
    )  # fmt: skip
    over = (
        tag("polyline", class_=f"line {tone}", points=_path(_middles(row, max([1e-9, *row]), step)))
        for tone, row in zip(TONES[1:], lines.values(), strict=False)
    )
    return picture(name, WIDTH, HEIGHT, _grid(), *drawn, *over)


def ratios(name: str, rows: Sequence[tuple[float | None, float | None, float | None, bool]]) -> Markup:
    """Return columns of (value, low, high, differs) around the line of 1."""
    step = WIDTH / max(1, len(rows))
    numbers = [1.0, *(number for row in rows for number in row[:3] if number is not None)]
    least, top = 0.95 * min(numbers), 1.05 * max(numbers)

    def y(value: float) -> float:
        return HEIGHT * (top - value) / (top - least)

    def column(at: int, value: float, low: float | None, high: float | None, differs: bool) -> Iterator[Markup]:
        tone = "bar strong" if differs else "bar"
        above, below = y(max(value, 1)), y(min(value, 1))
        yield tag("rect", class_=tone, x=at * step + step * 0.15, y=above, width=step * 0.7, height=below - above)
        if low is not None and high is not None:
            middle = (at + 0.5) * step
            yield _line(middle, y(low), middle, y(high), "whisker")

    columns = (
        list(column(at, value, low, high, differs))
        for at, (value, low, high, differs) in enumerate(rows) if value is not None
    )  # fmt: skip
    return picture(name, WIDTH, HEIGHT, *columns, _line(0, y(1), WIDTH, y(1), "one"))


def courses(name: str, rows: Mapping[str, Sequence[float | None]], top: float) -> Markup:
    """Return lines of one scale, from 0 to ``top``; a None is left out."""
    drawn = []
    for tone, values in zip(TONES, rows.values(), strict=False):
        step = WIDTH / max(1, len(values) - 1)
        points = [
            (at * step, HEIGHT * (1 - value / max(top, 1e-9)))
            for at, value in enumerate(values) if value is not None
        ]  # fmt: skip
        drawn.append(tag("polyline", class_=f"line {tone}", points=_path(points)))
        drawn += [_dot(point, tone) for point in points]
    return picture(name, WIDTH, HEIGHT, _grid(), *drawn)


def _grid() -> list[Markup]:
    return [_line(0, HEIGHT * share, WIDTH, HEIGHT * share, "axis") for share in (0, 0.5, 1)]


def _points(values: Sequence[float], top: float, width: float, height: float) -> Iterator[Point]:
    step = width / max(1, len(values) - 1)
    yield from ((at * step, height + 1 - height * value / top) for at, value in enumerate(values))


def _middles(values: Sequence[float], top: float, step: float) -> Iterator[Point]:
    yield from (((at + 0.5) * step, HEIGHT * (1 - value / top)) for at, value in enumerate(values))


def _path(points: Sequence[Point] | Iterator[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return tag("line", class_=class_, x1=x1, y1=y1, x2=x2, y2=y2)


def _dot(point: Point, tone: str) -> Markup:
    """Return a dot that stays round however the plot is stretched."""
    return tag("polyline", class_=f"dot {tone}".strip(), points=_path([point, point]))

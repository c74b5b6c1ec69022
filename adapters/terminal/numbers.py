"""Numbers that commands take."""

import math
from typing import Any

import click


class Number(click.FloatRange):
    """A number within a range: click's own type takes ``nan`` for one, which is in no range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number

"""The style of the report: the page's colours, light and dark by what the reader's system prefers, light on paper."""

import re
from importlib.resources import files

from serving_layer.page.files import packaged

PAGE_COLOURS = "css/base.css"
COLOUR = re.compile(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")


def style() -> str:
    """Return the style sheet. Programs that read mail may not know ``light-dark``, so each colour is there twice."""
    rules = files("millrace.report").joinpath("report.css").read_text(encoding="utf-8")
    colours = COLOUR.findall(packaged().by_name[PAGE_COLOURS].body.decode())
    light, dark = ("".join(f"{row[0]}:{row[at]};" for row in colours) for at in (1, 2))
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}}}{rules}"
    )

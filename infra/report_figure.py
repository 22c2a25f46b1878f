"""From a drawing to SVG inside a page: text stays text, colours come from the page's variables."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

# What is drawn with one of these has the colour of that variable on the page.
INK, MUTED, RULE = "#0a0b01", "#0a0b02", "#0a0b03"
FIRST, SECOND, THIRD, PAPER = "#0a0b04", "#0a0b05", "#0a0b06", "#0a0b07"
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    FIRST: "--first",
    SECOND: "--second",
    THIRD: "--third",
    PAPER: "--paper",
}
# In inches: about as many points as a phone has pixels, so that text is readable there.
WIDTH, HEIGHT = 4.6, 3.5
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    # A dollar sign in the name of a feature is no formula.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "hatch.linewidth": 0.8,
}
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"


def svg(name: str, draw: Callable[[Figure], None], height: float = HEIGHT) -> str:
    """Draw a chart as an SVG element for a page; `name` keeps its ids apart from other charts'."""
    written = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A character that the measuring font lacks is drawn by the reader's own fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", metadata=nothing)
    return _inline(written.getvalue(), name)


def plain(text: object, most: int = 60) -> str:
    """Return text that a chart can show: no control characters, and not too long.

    >>> plain("Title:\\x00 " + "x" * 20, most=10)
    'Title:  x…'
    """
    shown = "".join(sign if sign.isprintable() else " " for sign in str(text))
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _inline(document: str, name: str) -> str:
    """Return the SVG element of a document without what a page has itself, or cannot have."""
    root = ElementTree.fromstring(document)  # noqa: S314 (what we have just drawn)
    # The rules of the first definitions would hold for the whole page.
    root.remove(root[0])
    for part in root.iter():
        part.tag, part.tail = part.tag.removeprefix(_SVG), None
        part.text = part.text if part.tag == "text" else None
        part.attrib = {
            _attribute(key): _value(key, value, name) for key, value in part.attrib.items()
        }
    root.attrib = {"viewBox": root.attrib["viewBox"], "aria-hidden": "true"}
    return ElementTree.tostring(root, encoding="unicode")


def _attribute(key: str) -> str:
    return "href" if key == _LINK else key


def _value(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == _LINK:
        return f"#{name}-{value.removeprefix('#')}"
    if key == "d":
        return value.replace("\n", "").strip()
    return _styled(value, name) if key in ("style", "clip-path") else value


def _styled(value: str, name: str) -> str:
    parts = (part.strip() for part in value.split(";") if "font-family" not in part)
    shown = "; ".join(part for part in parts if part).replace("url(#", f"url(#{name}-")
    for colour, variable in VARIABLES.items():
        shown = shown.replace(colour, f"var({variable})")
    return shown


logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

"""The parts that a report is put together from, as HTML; every text that comes in is escaped."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from infra.report_figure import plain

NONE = "–"
PER_CENT = "\N{NO-BREAK SPACE}%"
_LONGEST = 2000


class Chart(NamedTuple):
    """A drawing with its heading, what it shows in words, and how it is read."""

    title: str
    drawing: str
    alt: str
    reading: str

    def html(self) -> str:
        """Return the figure."""
        return (
            f"<figure><h3>{text(self.title)}</h3>"
            f'<div class="chart" role="img" aria-label="{text(self.alt)}">{self.drawing}</div>'
            f"<figcaption><strong>How to read it:</strong> {text(self.reading)}</figcaption>"
            "</figure>"
        )


class Table(NamedTuple):
    """Rows under headings; the first cell of a row names it, all others are figures."""

    caption: str
    headings: Sequence[str]
    rows: Iterable[Sequence[object]]

    def html(self) -> str:
        """Return the table; it scrolls by itself where it is too wide."""
        heads = "".join(f'<th scope="col">{text(each)}</th>' for each in self.headings)
        rows = "".join(
            f'<tr><th scope="row">{text(first)}</th>'
            f"{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>"
            for first, *cells in self.rows
        )
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{text(self.caption)}">'
            f"<table><caption>{text(self.caption)}</caption>"
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


class Section(NamedTuple):
    """A part of the page with a heading of its own; `parts` are HTML."""

    name: str
    title: str
    opening: str
    parts: Sequence[str]

    def html(self) -> str:
        """Return the section."""
        return (
            f'<section id="{self.name}" aria-labelledby="{self.name}-title">'
            f'<h2 id="{self.name}-title">{text(self.title)}</h2>'
            f"<p>{text(self.opening)}</p>{''.join(self.parts)}</section>"
        )


def text(value: object) -> str:
    """Write anything as text of a page.

    >>> text("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return escape(plain(value, _LONGEST))


def note(sentence: str) -> str:
    """Return a sentence that stands where there is nothing to draw, or that warns."""
    return f'<p class="note">{text(sentence)}</p>'


def side_by_side(*parts: str) -> str:
    """Put parts beside each other where there is room."""
    return f'<div class="beside">{"".join(parts)}</div>'


def share(value: float | None, decimals: int = 0) -> str:
    """Write a share in per cent, on one line.

    >>> share(0.256), share(None)
    ('26\\xa0%', '–')
    """
    return NONE if value is None else f"{100 * value:.{decimals}f}{PER_CENT}"


def number(value: float | None, form: str = ".3f") -> str:
    """Write a figure.

    >>> number(0.81234), number(None)
    ('0.812', '–')
    """
    return NONE if value is None else format(value, form)


def count(number: float, one: str, many: str | None = None) -> str:
    """Write how many there are of something.

    >>> count(1, "lead"), count(1200, "lead")
    ('1 lead', '1,200 leads')
    """
    return f"{number:,.0f} {one if number == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """Write a date for people.

    >>> day(datetime(2026, 11, 27, 17, 41))
    '27 Nov 2026'
    """
    return f"{moment.day} {moment:%b %Y}"


def day_and_time(moment: datetime) -> str:
    """Write a moment, which is UTC, for people.

    >>> day_and_time(datetime(2026, 11, 27, 17, 41))
    '27 Nov 2026, 17:41 UTC'
    """
    return f"{day(moment)}, {moment:%H:%M} UTC"

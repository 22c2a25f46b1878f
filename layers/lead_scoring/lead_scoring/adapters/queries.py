"""Reading DynamoDB by key and by index, page by page, as plain values.

PynamoDB's models make an object of every attribute; where thousands of items are read, that takes
longer than the reading itself. A value here is what DynamoDB sends, without its type: a text, a
truth, bytes, and of a number its digits.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from .aws import PARALLEL_PAGES

Values = Mapping[str, Any]
Raw = Mapping[str, Mapping[str, Any]]


class Page(NamedTuple):
    """Some items, and where the next page begins; None after the last."""

    items: list[Values]
    next_start: Raw | None


@dataclass(frozen=True, slots=True)
class Query:
    """Which items of one partition to read, in the order of their sort key.

    A table is read strongly consistent, an index as DynamoDB can. Without `attributes` all come.
    """

    table: type[Model]
    partition: str
    keys: Condition | None = None
    index: str | None = None
    attributes: Sequence[str] | None = None
    is_backwards: bool = False
    page_size: int | None = None

    def page(self, start: Raw | None = None) -> Page:
        """Read one page, at most 1 MB; it may be empty and yet not the last."""
        answer = self.table._get_connection().query(
            self.partition,
            self.keys,
            index_name=self.index,
            attributes_to_get=None if self.attributes is None else list(self.attributes),
            consistent_read=self.index is None,
            scan_index_forward=not self.is_backwards,
            limit=self.page_size,
            exclusive_start_key=start,
        )
        return Page([plain(item) for item in answer["Items"]], answer.get("LastEvaluatedKey"))

    def items(self) -> Iterator[Values]:
        """Iterate over all items; a page is read when it is come to."""
        start = None
        while True:
            page = self.page(start)
            yield from page.items
            start = page.next_start
            if start is None:
                return

    def first(self) -> Values | None:
        """Read the first item alone, None if there is none; one read."""
        return next(iter(replace(self, page_size=1).page().items), None)

    def count(self) -> int:
        """Count the items without reading them."""
        total, start = 0, None
        while True:
            answer = self.table._get_connection().query(
                self.partition,
                self.keys,
                index_name=self.index,
                consistent_read=self.index is None,
                exclusive_start_key=start,
                select="COUNT",
            )
            total += int(answer["Count"])
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return total


def pages_of(queries: Iterable[Query]) -> Iterator[list[Values]]:
    """Iterate over the pages of many queries, several read ahead at once, in no order to rely on.

    So many pages are held as requests run at once, whatever the number of items.
    """
    waiting = iter(queries)
    # The first page alone: it makes the client, which must not happen in two threads at once.
    first = next(waiting, None)
    if first is None:
        return
    page = first.page()
    with ThreadPoolExecutor(PARALLEL_PAGES) as pool:
        pending: deque[tuple[Query, Future[Page]]] = deque()

        def read_on(query: Query, page: Page) -> None:
            """Ask for the next page of a query, or for the first one of the next query."""
            following = query if page.next_start is not None else next(waiting, None)
            if following is not None:
                pending.append((following, pool.submit(following.page, page.next_start)))

        try:
            for query in islice(waiting, PARALLEL_PAGES - 1):
                pending.append((query, pool.submit(query.page)))
            read_on(first, page)
            yield page.items
            while pending:
                query, future = pending.popleft()
                page = future.result()
                read_on(query, page)
                yield page.items
        finally:
            for _, future in pending:
                future.cancel()


def plain(item: Raw) -> Values:
    """Take the types off an item.

    >>> plain({"title": {"S": "Chef"}, "price": {"N": "12.5"}, "contacted": {"BOOL": False}})
    {'title': 'Chef', 'price': '12.5', 'contacted': False}
    """
    return {name: value for name, typed in item.items() for value in typed.values()}


def number(values: Values, name: str) -> float | None:
    """Read a number that may be absent."""
    digits = values.get(name)
    return None if digits is None else float(digits)


def moment(values: Values, name: str) -> datetime | None:
    """Read a time that may be absent."""
    text = values.get(name)
    return None if text is None else datetime.fromisoformat(text)


def numbers(values: Values, name: str) -> dict[str, float] | None:
    """Read a map of numbers that may be absent.

    >>> numbers({"shares": {"a": {"N": "0.5"}}}, "shares")
    {'a': 0.5}
    """
    typed = values.get(name)
    return None if typed is None else {key: float(each["N"]) for key, each in typed.items()}

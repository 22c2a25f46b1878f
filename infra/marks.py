"""Pages with a part between two marks that a command writes."""


def with_part(page: str, name: str, part: str) -> str:
    """Return a page with another part between its marks; raise ValueError if they are missing.

    >>> print(with_part("before\\n<!-- x: begin -->\\nold\\n<!-- x: end -->\\nafter", "x", "new"))
    before
    <!-- x: begin -->
    new
    <!-- x: end -->
    after
    """
    marks = [f"<!-- {name}: {word} -->" for word in ("begin", "end")]
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError("the page needs the marks {} and {}, each in a line".format(*marks))
    return f"{before}{begin}\n{part}\n{end}{after}"

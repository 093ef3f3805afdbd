"""Cells in columns, for commands that print a table."""

from collections.abc import Collection, Sequence

from wftui.text import clean, fit, width


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Lines with the heads first; cells are cleaned, columns without any cell left out.

    Args:
        heads: Titles of the columns.
        rows: As many cells each.
        left: Columns that are not numbers.
    """
    shown = [tuple(clean(cell) for cell in row) for row in rows]
    places = [place for place in range(len(heads)) if any(row[place] for row in shown)]
    table = [tuple(heads), *shown]
    wide = {place: max(width(row[place]) for row in table) for place in places}
    return [
        "  ".join(fit(row[place], wide[place], "left" if place in left else "right") for place in places).rstrip()
        for row in table
    ]

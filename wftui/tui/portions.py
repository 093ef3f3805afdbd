"""Questions about many series in portions: an answer holds so many cells, and beside some model servers there are
more series on graphs than fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.series import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wftui.model.sample import Column

CELLS: Final = 40_000
"""Series times points of one question: 1 MB. Recorders refuse more than six times that; what a view takes in at
once stays with it: beside ten model servers it had 52.7 MB with 200,000, 46.6 with 80,000, 42.3 with 30,000."""


def portions(selectors: Sequence[str], columns: Iterable[Column], points: int) -> list[list[str]]:
    """The selectors in groups, each within the limit; one that names too many series alone becomes their texts.

    Args:
        selectors: Of ``wire.Range``.
        columns: What there is, as far as is known.
        points: Of the question.
    """
    most = max(1, CELLS // points)
    found: dict[str, list[str]] = {selector: [] for selector in selectors}
    patterns = [selector for selector in selectors if any(sign in selector for sign in "{*?[")]
    for column in columns:
        item = column.series
        if item.name in found:
            found[item.name].append(item.text)
        for pattern in patterns:
            if matches(pattern, item):
                found[pattern].append(item.text)
    out: list[list[str]] = [[]]
    left = most
    for selector, texts in found.items():
        if len(texts) > most:
            from wftui.tui.timeline.choice import selectors as literal  # here: hardly any metric has so many

            out += [literal(texts[at : at + most]) for at in range(0, len(texts), most)]
            left = -1
        elif len(texts) > left:
            out.append([selector])
            left = most - len(texts)
        else:
            out[-1].append(selector)
            left -= len(texts)
    return [group for group in out if group]

"""Where a dialog stands at any size: the state of the machine and the keys stay in view, cut words keep away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import full, scene
from wftui.text import width as columns
from wftui.tui.compose import picture
from wftui.tui.frame import crop
from wftui.tui.ui import HELP, SIGNALS, Ui

STATE = full()
SIZES = st.tuples(st.integers(20, 220), st.integers(6, 70))


@given(SIZES, st.sampled_from([HELP, SIGNALS]), st.booleans())
def test_what_a_dialog_leaves_in_view(size: tuple[int, int], name: str, ascii_only: bool) -> None:
    width, height = size
    moment = scene(STATE, ascii_only=ascii_only)
    ui = Ui()
    before = picture(moment, ui, width, height)
    ui.overlays.append(name)
    after = picture(moment, ui, width, height)
    frame = ui.dialog
    assert frame.y + frame.height <= height
    if height >= 10:
        assert after.rows[0] == before.rows[0]
    if height >= 16:
        assert after.rows[-1] == before.rows[-1]
    if frame.height:
        corner = crop(after.rows[frame.y], frame.x + frame.width - 1, frame.x + frame.width)
        assert corner[0][0] == ("+" if ascii_only else "╮")
    for y in range(frame.y, frame.y + frame.height):
        row = after.rows[y]
        assert sum(columns(text) for text, _ in row) == width
        for start, end in ((frame.x - 1, frame.x), (frame.x + frame.width, frame.x + frame.width + 1)):
            assert not "".join(text for text, _ in crop(row, max(0, start), max(0, end))).strip()


@pytest.mark.parametrize("width", [120, 200])
def test_help_is_two_columns_of_about_one_length(width: int) -> None:
    ui = Ui()
    ui.overlays.append(HELP)
    picture(scene(STATE), ui, width, 60)
    assert ui.dialog.height <= 48

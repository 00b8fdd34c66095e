"""Heat maps: every count in its cell, readable on its colour, and what has no room is said."""

import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from test_draw import LONG, contrast, draw, texts

from funnel_lib.core.words import Words
from funnel_lib.drawing import heatmaps, looks
from funnel_lib.drawing.pictures import show_figure

EN = Words("en", {"ask": "Asked", "read": "Read it", "need": "Stated the need", "pay": "Paid"})
RU = Words("ru", LONG)
KEYS = ("stage", "missed_step", "n_lost")


def make_table():
    """Rows in an order of their own; a fork is one of the steps; Sent and pay never meet."""
    rows = [
        ("Sent", "read", 1200),
        ("Sent", "read | pay", 3),
        ("New", "pay", 40),
        ("New", "ask", 7),
    ]
    return pd.DataFrame(rows, columns=KEYS).assign(n_open=1)


def make_large(n_rows=20, n_columns=30):
    return pd.DataFrame([
        {"stage": f"Согласование условий договора {r}", "missed_step": f"step{c:02d}",
         "n_lost": 1000 + 10 * c - r}
        for r in range(n_rows) for c in range(n_columns)
    ])  # fmt: skip


def plot(table, words):
    return heatmaps.plot_matrix(table, words, *KEYS)


def cells(ax):
    """The counts of the cells, row by row, as they are written."""
    found = {}
    for text in ax.child_axes[0].texts:
        x, y = text.get_position()
        found.setdefault(int(y), {})[int(x)] = text.get_text()
    return [found[y] for y in sorted(found)]


def test_every_count_stands_in_its_row_and_column():
    ax = plot(make_table(), EN)
    assert texts(ax)[:2] == ["CRM stage × Step not taken", "Lost"]
    # A fork stands behind the first of its steps.
    assert texts(ax)[2:] == ["Sent", "New", "Asked", "Read it", "Read it / Paid", "Paid"]
    assert cells(ax) == [{1: "1,200", 2: "3"}, {0: "7", 3: "40"}]
    mesh = ax.child_axes[0].collections[0].get_array()
    assert mesh.count() == 4 and mesh.max() == 1200  # what never meets has no colour


def test_what_has_no_room_is_counted():
    table = make_large()
    ax = plot(table, EN)
    rows, columns = len(cells(ax)), len(cells(ax)[0])
    assert rows == 12 and 5 <= columns <= 9
    shown = table[table["missed_step"] >= f"step{30 - columns:02d}"]  # those with most
    shown = shown[shown["stage"].isin(table["stage"].unique()[:12])]
    left_out = table["n_lost"].sum() - shown["n_lost"].sum()
    said = " ".join(texts(ax)).replace("\n", " ")
    assert f"{left_out:,} leads are of rows and columns that there is no room for." in said
    assert "no room" not in " ".join(texts(plot(make_table(), EN)))


@pytest.mark.parametrize("table", [make_table(), make_large(), make_large(1, 2)])
@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
def test_texts_stay_apart_and_inside_on_a_phone(table, words):
    ax = plot(table, words)
    renderer, page = draw(ax), ax.figure.bbox
    assert ax.figure.get_figwidth() * 72 <= 410  # at 400 px a point is about a pixel
    found = [t for t in ax.figure.findobj(Text) if t.get_text() and t.get_visible()]
    assert min(t.get_fontsize() for t in found) >= 10
    boxes = [t.get_window_extent(renderer).shrunk(0.95, 0.95) for t in found]
    for n, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1, found[n].get_text()
        assert page.y0 <= box.y0 and box.y1 <= page.y1, found[n].get_text()
        for m in range(n):
            assert not box.overlaps(boxes[m]), (found[n].get_text(), found[m].get_text())


def test_counts_are_readable_on_every_colour_and_stay_text():
    for share in np.linspace(0, 1, 5):
        assert contrast(looks.INK, heatmaps._COLOURS(share)[:3]) >= 4.5
    svg = show_figure(plot(make_table(), RU), "alt").svg
    assert ">40</text>" in svg and "<image" not in svg


LESS = [make_table().head(0), make_table().assign(n_lost=0), make_table().head(1)]


@pytest.mark.parametrize("less", LESS, ids=["none", "zeros", "one cell"])
def test_one_cell_and_none_are_no_figure(less):
    assert plot(less, EN) is None and heatmaps.picture_matrix(less, RU, *KEYS) is None


def test_names_of_columns_begin_at_their_cells_in_any_font():
    svg = show_figure(plot(make_table(), EN), "alt").svg
    head = re.search(r"<text[^>]*>Read it<", svg)[0]
    assert "rotate(-90" in head and "text-anchor" not in head


def test_the_largest_cells_are_told():
    assert heatmaps.picture_matrix(make_table(), EN, *KEYS).alt == (
        "CRM stage × Step not taken: Sent × Read it: 1,200; New × Paid: 40; New × Asked: 7"
    )


def test_same_table_same_bytes_and_all_else_untouched():
    table, settings = make_table(), {key: mpl.rcParams[key] for key in looks.STYLE}
    assert show_figure(plot(table, RU), "alt") == show_figure(plot(table, RU), "alt")
    pd.testing.assert_frame_equal(table, make_table())
    assert {key: mpl.rcParams[key] for key in settings} == settings


def test_seaborn_is_imported_only_to_draw():
    code = "import sys, funnel_lib.drawing.heatmaps; sys.exit('seaborn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Figures of the segments: bars keep the order of gains, cells the steps; all readable."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_rgb
from matplotlib.figure import Figure
from test_draw import LONG, bars, draw, row_of, texts

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import show_figure
from funnel_lib.drawing.looks import ACCENT, BLUE, GREY, LIGHT
from funnel_lib.sections.paths.draw import plot_choice, plot_sequences

STEPS = ["ask", "read", "need", "pay"]
EN = Words("en", {"ask": "Asked", "read": "Read it", "need": "Stated the need", "pay": "Paid"})
RU = Words("ru", LONG)
WHITE = (255, 255, 255)
# How far two colours are apart, in CIELAB. Neighbours must be told apart at a glance, others with
# the key beside; 2.3 is just noticeable (Mahy et al. 1994, doi:10.1002/col.5080190204).
FAR, APART = 8, 4.5
# How protanopes, deuteranopes, tritanopes see linear RGB; Machado et al. 2009,
# https://doi.org/10.1109/TVCG.2009.113
SEEN = {
    "all": np.eye(3),
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def make_choice(gains=(np.nan, 9000, 2500, 310, -12, -40), chosen=4, null=None):
    n = np.arange(1, len(gains) + 1)
    null = (np.nan, 14, 22, 9, -3, np.nan) if null is None else null
    return pd.DataFrame({
        "n_segments": n, "description_length": 1e5 - np.nancumsum(gains), "gain": gains,
        "null_gain": null, "chosen": n == chosen,
    })  # fmt: skip


def make_sequences():
    """s2 stands first and holds three of 20.4 leads, s1 two of two; `other` has no name."""
    rows = [
        ("s2", 0, ["ask", "read", "need", "pay"]),
        ("s2", 1, ["read", "ask", "other"]),
        ("s2", 2, ["ask"]),
        ("s1", 0, ["need", "pay"]),
        ("s1", 1, ["need", "need"]),
    ]
    names = {"s1": "Сразу к делу", "s2": "Main path → " + LONG["read"]}
    return pd.DataFrame([
        {"segment": s, "name": names[s], "n_leads": {"s1": 2.0, "s2": 20.4}[s], "row": row,
         "position": n, "step": step}
        for s, row, steps in rows
        for n, step in enumerate(steps)
    ])  # fmt: skip


def make_leads(lengths, n_steps=4):
    """A segment with a lead of each length, whose steps follow each other in a circle."""
    return pd.DataFrame([
        {"segment": "s1", "name": "Main path", "n_leads": float(len(lengths)), "row": row,
         "position": n, "step": f"step{n % n_steps:02d}"}
        for row, length in enumerate(lengths)
        for n in range(length)
    ])  # fmt: skip


def draw_sequences(table, words, ax=None):
    return plot_sequences(table, words, ax, sale="pay")


MADE = [(plot_choice, make_choice()), (draw_sequences, make_sequences())]
NAMES = ["plot_choice", "plot_sequences"]


def cells(ax):
    """The colours of each panel's image, row by row."""
    return [[[tuple(c) for c in row] for row in i.get_array().tolist()] for i in ax.images]


def key_of(ax, names):
    """step -> the colour of the square before its name in the key, as an image has it."""
    squares = {}
    for square, name in zip(ax.texts, ax.texts[1:], strict=False):
        if square.get_text() == "■":
            said = name.get_text().replace("\n", " ")
            squares[said] = tuple(round(255 * c) for c in to_rgb(square.get_color()))
    return {step: squares[name] for step, name in names.items()}


def lab(colours, seen):
    """CIELAB under D65 of RGB colours from 0 to 255, as such eyes see them."""
    rgb = np.asarray(colours) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    xyz = np.clip(linear @ np.transpose(seen), 0, 1) @ np.transpose(to_xyz)
    x, y, z = np.transpose(np.cbrt(np.maximum(xyz / (0.9505, 1, 1.0888), 0.001)))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_bars_are_roots_of_gains_and_keep_their_order():
    ax = plot_choice(make_choice(), EN)
    assert bars(ax, LIGHT) == [(0, pytest.approx(9000**0.5)), (0, pytest.approx(50))]
    assert bars(ax, BLUE) == [(0, pytest.approx(310**0.5))]
    assert bars(ax, GREY) == [(0, pytest.approx(-(12**0.5))), (0, pytest.approx(-(40**0.5)))]
    drawn = sorted((p for p in ax.patches), key=lambda p: p.get_y())
    lengths = [p.get_width() for p in drawn]
    assert np.argsort(lengths).tolist() == np.argsort([9000, 2500, 310, -12, -40]).tolist()
    assert any("square root" in text.replace("\n", " ") for text in texts(ax))


def test_every_gain_stands_in_the_row_of_its_number():
    ax = plot_choice(make_choice(), EN)
    for label, gain in (
        ("1 segment", "one path for all"), ("2 segments", "9,000"), ("3 segments", "2,500"),
        ("4 segments", "310"), ("5 segments", "−12"), ("6 segments", "−40"),
    ):  # fmt: skip
        assert row_of(ax, label) == row_of(ax, gain)
    bar = next(p for p in ax.patches if same_color(p.get_facecolor(), BLUE))
    assert bar.get_y() < row_of(ax, "4 segments") < bar.get_y() + bar.get_height()


def test_the_chosen_row_alone_is_bold_and_blue():
    ax = plot_choice(make_choice(), EN)
    title, *rest = ax.texts
    bold = [t.get_text() for t in rest if t.get_weight() == "bold"]
    assert bold == ["4 segments", "310", "9"]
    blue = [t.get_text() for t in rest if same_color(t.get_color(), BLUE)]
    assert blue == ["■", "4 segments", "310"]
    assert title.get_weight() == "bold"


def test_diamonds_stand_at_the_gain_without_the_segment():
    ax = plot_choice(make_choice(), EN)
    marks = [line for line in ax.lines if line.get_marker() == "D"]
    at = [float(np.ravel(m.get_xdata())[0]) for m in marks]
    assert at == pytest.approx([14**0.5, 22**0.5, 3, -(3**0.5)])
    accents = [t.get_text() for t in ax.texts if same_color(t.get_color(), ACCENT)]
    assert accents == ["◆", "14", "22", "9", "−3"]
    assert "without such a segment" in texts(ax)


def test_choice_key_names_only_what_is_drawn():
    ax = plot_choice(make_choice((np.nan, 50), 2, (np.nan, np.nan)), EN)
    assert "chosen" in texts(ax)
    others = {"explains more", "one more costs more than it explains", "without such a segment"}
    assert not others & set(texts(ax))
    assert others < set(texts(plot_choice(make_choice(), EN)))


def test_one_path_alone_shows_no_scale():
    ax = plot_choice(make_choice((np.nan,), 1, (np.nan,)), EN)
    assert {"1 segment", "one path for all", "chosen"} < set(texts(ax))
    assert not len(ax.patches) and not any("nats" in text for text in texts(ax))


CHOICES = {
    "as ever": make_choice(),
    "all cost": make_choice((np.nan, -15, -600), 1, (np.nan, -3, np.nan)),
    "weak": make_choice((np.nan, 9), 2, (np.nan, 25)),
    "close": make_choice((np.nan, 900, 16), 2, (np.nan, 25, 25)),
    "wide": make_choice((np.nan, 9e7, -3e6, 2), 2, (np.nan, 1e7, 4e6, -np.inf)),
    "zeros": make_choice((np.nan, 0, -0.2), 1, (np.nan, 0, 0)),
    "no null": make_choice((np.nan, 5, 4, 3, 2, 1, -1, 7, -2, 1), 6, (np.nan,) * 10),
}


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
@pytest.mark.parametrize("table", CHOICES.values(), ids=CHOICES)
def test_numbers_of_any_size_keep_clear_of_marks_and_edges(table, words):
    ax = plot_choice(table, words)
    renderer = draw(ax)
    boxes = [t.get_window_extent(renderer).shrunk(0.98, 0.9) for t in ax.texts if t.get_text()]
    marks = [p.get_window_extent(renderer) for p in ax.patches if p.get_width()]
    for line in ax.lines:
        if line.get_marker() == "D":
            x, y = ax.transData.transform(np.column_stack(line.get_data()))[0]
            half = line.get_markersize() / 2
            marks.append(type(boxes[0]).from_extents(x - half, y - half, x + half, y + half))
    page = ax.figure.bbox
    for n, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1
        assert page.y0 <= box.y0 and box.y1 <= page.y1
        assert not any(box.overlaps(other) for other in boxes[:n] + marks), texts(ax)
    for mark in marks:
        assert page.x0 <= mark.x0 and mark.x1 <= page.x1


def test_cells_are_the_steps_of_the_leads():
    ax = draw_sequences(make_sequences(), EN)
    colour = key_of(ax, {**EN.step_names, "other": "other"})
    a, r, n, p, o = (colour[s] for s in [*STEPS, "other"])
    assert cells(ax) == [
        [[a, r, n, p], [r, a, o, WHITE], [a, WHITE, WHITE, WHITE]],
        [[n, p, WHITE, WHITE], [n, n, WHITE, WHITE]],
    ]
    assert len({*colour.values(), WHITE}) == 6
    assert p == tuple(round(255 * c) for c in to_rgb(ACCENT))


def test_key_follows_the_order_of_the_steps_then_the_unnamed():
    backwards = Words("en", dict(reversed(EN.step_names.items())))
    for words, order in ((EN, STEPS), (backwards, STEPS[::-1])):
        said = texts(draw_sequences(make_sequences(), words))
        shown = [said[n + 1] for n, text in enumerate(said) if text == "■"]
        assert shown == [*(words.step(s) for s in order), "other"]


def test_key_names_only_steps_that_occur():
    table = make_sequences().query("step != 'read'")
    assert "Read it" not in texts(draw_sequences(table, EN))


def test_panels_stand_in_the_order_of_the_table_below_their_titles():
    ax = draw_sequences(make_sequences(), EN)
    tops = [image.get_extent()[3] for image in ax.images]
    assert tops == sorted(tops)
    titles = [t for t in ax.texts if "leads" in t.get_text() and t.get_weight() == "bold"]
    assert [t.get_text().replace("\n", " ") for t in titles] == [
        f"Main path → {LONG['read']} · 20 leads", "Сразу к делу · 2 leads",
    ]  # fmt: skip
    for title, top in zip(titles, tops, strict=True):
        assert 0 < top - title.xy[1] < 10
    renderer = draw(ax)
    for image in ax.images:
        box = image.get_window_extent(renderer)
        assert not any(box.overlaps(t.get_window_extent(renderer)) for t in ax.texts)


def test_names_of_segments_are_written_out():
    for name, title in (
        ("with read", "Path with “Read it” · 2 leads"),
        ("steps ask > pay", "Asked → Paid · 2 leads"),
        ("undetermined", "Segment not yet known · 2 leads"),
    ):  # fmt: skip
        assert title in texts(plot_sequences(make_leads([2, 1]).assign(name=name), EN))


def test_panels_are_as_high_as_their_rows_ask_for():
    big, small, one = make_leads([3] * 200), make_leads([3] * 100), make_leads([3])
    table = pd.concat([big, small.assign(segment="s2"), one.assign(segment="s3")])
    low, high = np.array([i.get_extent()[2:] for i in plot_sequences(table, EN).images]).T
    assert low[0] - high[0] == pytest.approx(2 * (low[1] - high[1]))
    assert 20 < low[2] - high[2] < 40


def test_rows_say_of_how_many_leads_they_are():
    assert "a row is a lead: 5 of 22" in texts(draw_sequences(make_sequences(), EN))
    assert "строка — лид: 5 из 22" in texts(draw_sequences(make_sequences(), RU))
    assert "a row is a lead" in texts(plot_sequences(make_leads([2, 1]), EN))


@pytest.mark.parametrize(
    ("lengths", "places", "note"),
    [
        ([1, 2, 3], 3, None),
        ([5] * 99 + [40], 5, "first 5 steps shown"),
        ([40] * 10, 30, "first 30 steps shown"),
        ([1] * 99 + [2], 1, "first 1 step shown"),
        ([30] * 10, 30, None),
    ],
)
def test_long_journeys_are_cut_and_it_is_said(lengths, places, note):
    ax = plot_sequences(make_leads(lengths), EN)
    assert np.shape(ax.images[0].get_array()) == (len(lengths), places, 3)
    assert [text for text in texts(ax) if text.endswith("shown")] == ([note] if note else [])


def test_places_are_numbered_below_their_cells():
    ax = plot_sequences(make_leads([12, 12]), EN)
    at = {t.get_text(): t.get_position()[0] for t in ax.texts if t.get_text().isdigit()}
    assert at == {"1": 0.5, "5": 4.5, "10": 9.5}


@pytest.mark.parametrize("n_steps", [2, 5, 12, 24])
def test_steps_darken_in_their_order_and_stay_apart_for_all_eyes(n_steps):
    ax = plot_sequences(make_leads([n_steps], n_steps), EN, sale="nothing")
    colours = cells(ax)[0][0]
    assert len(colours) == n_steps
    assert (np.diff(lab(colours, SEEN["all"])[:, 0]) < 0).all()
    for seen in SEEN.values():
        points = lab([*colours, np.round(255 * np.array(to_rgb(ACCENT))), WHITE], seen)
        apart = np.linalg.norm(points[:, None] - points, axis=2)
        assert (np.diag(apart, 1)[: n_steps - 1] > FAR).all()
        assert (apart[np.triu_indices(len(points), 1)] > APART).all()
        assert (apart[-2:, :n_steps] > FAR).all()  # the accent and the ground


def test_order_of_events_does_not_matter():
    table = make_sequences()
    mixed = pd.concat([part.sample(frac=1, random_state=1) for _, part in table.groupby("segment")])
    mixed = mixed.sort_values("segment", ascending=False, kind="stable")
    assert cells(draw_sequences(mixed, EN)) == cells(draw_sequences(table, EN))


def test_hundreds_of_rows_make_a_small_picture():
    table = pd.concat(
        [
            make_leads(np.random.default_rng(n).integers(1, 28, 100), 24).assign(segment=f"s{n}")
            for n in range(5)
        ]
    )
    names = {f"step{n:02d}": f"{LONG['read'][:30]} {n}" for n in range(24)}
    picture = show_figure(plot_sequences(table, Words("ru", names)), "Шаги")
    assert len(picture.svg) < 200_000
    assert picture.svg.count("<image ") == 5


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_an_empty_table_says_so(plot, table):
    for words, nothing in ((EN, "nothing to draw"), (RU, "нечего показать")):
        assert nothing in texts(plot(table.head(0), words))


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_texts_stay_apart_and_inside_on_a_phone(plot, table, words):
    ax = plot(table, words)
    renderer = draw(ax)
    page = ax.figure.bbox
    assert ax.figure.get_figwidth() * 72 <= 410  # at 400 px a point is about a pixel
    assert min(t.get_fontsize() for t in ax.texts) >= 10
    boxes = [t.get_window_extent(renderer).shrunk(0.98, 0.9) for t in ax.texts]
    for n, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1, texts(ax)[n]
        assert page.y0 <= box.y0 and box.y1 <= page.y1, texts(ax)[n]
        for m in range(n):
            assert not box.overlaps(boxes[m]), (texts(ax)[n], texts(ax)[m])


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_same_table_same_bytes_and_table_untouched(plot, table):
    before = table.copy()
    ax = plot(table, RU)
    assert show_figure(ax, "alt") == show_figure(ax, "alt") == show_figure(plot(table, RU), "alt")
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(("plot", "table"), MADE, ids=NAMES)
def test_given_axes_are_used(plot, table):
    ax = Figure().subplots()
    assert plot(table, EN, ax) is ax

"""Figures of time and money: curves end where they may, names never hide each other."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text
from test_draw import LONG, draw, texts, whiskers

from funnel_lib.core.words import Words
from funnel_lib.drawing.looks import ACCENT, MUTED, WENT_ON
from funnel_lib.drawing.pictures import show_figure
from funnel_lib.sections.effort.count import judge_effort
from funnel_lib.sections.effort.draw import plot_effort
from funnel_lib.sections.times.draw import plot_cohorts, plot_times

EN = Words("en", {"ask": "Asked", "read": "Read it", "need": "Stated the need", "pay": "Paid"})
RU = Words("ru", LONG)
SHORT_RU = Words("ru", {"ask": "Оставил заявку", "read": "Прочитал", "need": "Сказал задачу"})
NAMES = {"s1": "with read", "s2": "without read", "s3": "with need | without read", "s4": "quick"}
WORDS = pytest.mark.parametrize("words", [EN, RU, SHORT_RU], ids=["en", "long", "ru"])


def make_curve(segment="all", target="won", last=0.3, n_days=60, at_risk=500.0, waiting=40):
    """`at_risk` leads on day 0, fewer by the day, under 10 after day `waiting`."""
    day = np.arange(n_days)
    share = last * np.minimum(day / waiting, 1) ** 2
    return pd.DataFrame({
        "segment": segment, "target": target, "day": day, "incidence": share,
        "low": 0.8 * share, "high": np.minimum(1.2 * share + 0.01, 1),
        "n_at_risk": np.where(day <= waiting, np.maximum(at_risk - day, 10), 9.0),
    })  # fmt: skip


def make_times(*lasts):
    """All leads, and a segment for each of the last shares."""
    parts = [make_curve(), make_curve(target="lost", last=0.6), make_curve(target="ask", last=1)]
    for n, last in enumerate(lasts, 1):
        parts.append(make_curve(f"s{n}", last=last, waiting=40 - 3 * n))
        parts.append(make_curve(f"s{n}", "lost", last=0.5))
    return pd.concat(parts, ignore_index=True)


def make_cohorts(n=6, n_young=2):
    months = pd.period_range("2024-01", periods=n, freq="M").astype(str)
    share = 0.2 + 0.02 * np.arange(n) % 0.1
    return pd.DataFrame({
        "month": months, "n_entered": 100 + np.arange(n), "n_won": 20, "n_lost": 60, "n_open": 20,
        "horizon_days": 36, "share": share, "low": share - 0.07, "high": share + 0.08,
        "is_mature": np.arange(n) < n - n_young, "is_cut": False,
    })  # fmt: skip


def make_ranges(actions=(0.6, 0.3, 0.1), amount=(0.4, 0.35, 0.25), around=0.05, currency="EUR"):
    """s1 takes more than it brings (0.55 above 0.45), s3 brings more (0.15 below 0.2)."""
    rows = [("all", "share_of_actions", 1.0, 0.0), ("all", "share_of_amount", 1.0, 0.0)]
    for n, shares in enumerate(zip(actions, amount, strict=True), 1):
        for side, share in zip(("actions", "amount"), shares, strict=True):
            rows.append((f"s{n}", f"share_of_{side}", share, around))
    table = pd.DataFrame(rows, columns=["segment", "measure", "value", "around"])
    low, high = table["value"] - table["around"], table["value"] + table["around"]
    ranges = table.assign(currency=currency, low=low, high=high).drop(columns="around")
    return judge_effort(ranges)


MADE = {
    "times": (plot_times, make_times()),
    "segments": (lambda *a: plot_times(*a, names=NAMES), make_times(0.5, 0.2, 0.35)),
    "alike": (lambda *a: plot_times(*a, names=NAMES), make_times(0.3, 0.3, 0.3, 0.3)),
    "twelve": (plot_times, make_times(*np.linspace(0.2, 0.25, 12))),
    "cohorts": (plot_cohorts, make_cohorts()),
    "years": (plot_cohorts, make_cohorts(40)),
    "value": (lambda *a: plot_effort(*a, names=NAMES), make_ranges()),
    "equal": (lambda *a: plot_effort(*a, names=NAMES), make_ranges([0.25] * 4, [0.25] * 4)),
    "many": (plot_effort, make_ranges(np.full(12, 1 / 12), np.linspace(0, 1, 12) / 6)),
}
FIGURES = pytest.mark.parametrize(("plot", "table"), MADE.values(), ids=MADE)


def all_texts(ax):
    """Every text that is drawn, those of the chart within, too."""
    return [t for t in ax.figure.findobj(Text) if t.get_text() and t.get_visible()]


def curves(ax):
    """(days, shares) of the curves, without the intervals at their ends."""
    lines = [line for line in ax.child_axes[0].lines if line.get_drawstyle() == "steps-post"]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


@FIGURES
@WORDS
def test_texts_stay_apart_and_inside_on_a_phone(plot, table, words):
    ax = plot(table, words)
    renderer, page = draw(ax), ax.figure.bbox
    assert ax.figure.get_figwidth() * 72 <= 410  # at 400 px a point is about a pixel
    found = all_texts(ax)
    assert len(found) > 5 and min(t.get_fontsize() for t in found) >= 10
    boxes = [t.get_window_extent(renderer).shrunk(0.98, 0.85) for t in found]
    for n, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1, found[n].get_text()
        assert page.y0 <= box.y0 and box.y1 <= page.y1, found[n].get_text()
        for m in range(n):
            assert not box.overlaps(boxes[m]), (found[n].get_text(), found[m].get_text())


@FIGURES
def test_same_table_same_bytes_and_table_untouched(plot, table):
    before = table.copy()
    ax = plot(table, RU)
    assert show_figure(ax, "alt") == show_figure(ax, "alt") == show_figure(plot(table, RU), "alt")
    pd.testing.assert_frame_equal(table, before)


@FIGURES
def test_empty_tables_and_unknown_numbers_are_no_figure(plot, table):
    unknown = table.assign(**{
        c: np.nan for c in ("incidence", "share", "value", "low", "high") if c in table
    })  # fmt: skip
    assert plot(table.head(0), EN) is None and plot(unknown, RU) is None


def test_all_leads_have_a_curve_of_the_won_and_one_of_the_lost():
    ax = plot_times(make_times(), EN)
    assert {"Bought and lost, by day", "of those who entered", "days since entry"} <= set(texts(ax))
    assert {"lost\n60.0%", "won\n30.0%"} <= set(texts(ax))
    (days, lost), (_, won) = curves(ax)
    assert days == list(range(41))  # day 40 is the last with ten at risk
    assert lost[-1] == pytest.approx(0.6) and won[-1] == pytest.approx(0.3)
    assert ax.child_axes[0].get_ylim() == (0, 0.8)  # the band reaches 73 %


def test_labels_stand_at_the_ends_in_the_colour_of_their_curve():
    ax = plot_times(make_times(0.5, 0.2), EN, names=NAMES)
    chart = ax.child_axes[0]
    for label, line in (("with", chart.lines[0]), ("without", chart.lines[1])):
        text = next(t for t in ax.texts if t.get_text().startswith(f"Path {label} “"))
        assert same_color(text.get_color(), line.get_color())
        end = line.get_transform().transform((0, line.get_ydata()[-1]))[1]
        assert ax.transData.transform(text.get_position())[1] == pytest.approx(end, abs=1)


def test_segments_show_who_bought_alone():
    ax = plot_times(make_times(0.5, 0.2), EN, names=NAMES)
    assert [shares[-1] for _, shares in curves(ax)] == pytest.approx([0.5, 0.2])
    said = "\n".join(texts(ax))
    assert "lost" not in said and "50.0%" in said and "30.0%" not in said
    assert "Bought, by day and segment" in texts(ax)


def test_names_default_to_the_segments():
    assert {"S1\n50.0%", "S2\n20.0%"} <= set(texts(plot_times(make_times(0.5, 0.2), EN)))


def test_names_too_long_to_stand_beside_follow_below_whole():
    ax = plot_times(make_times(0.2, 0.5), RU, names=NAMES)
    said = [t.replace("\n", " ") for t in texts(ax)]
    assert {"1 · 50,0\xa0%", "2 · 20,0\xa0%"} <= set(said)
    assert said[said.index("1") + 1] == f"Путь без шага «{LONG['read']}»"  # s2 ends higher
    assert said[said.index("2") + 1] == f"Путь с шагом «{LONG['read']}»"


def test_bands_give_way_to_intervals_at_the_ends_of_many_curves():
    few, many = (plot_times(make_times(*[0.3] * n), EN) for n in (3, 4))
    assert len(few.child_axes[0].collections) == 3
    assert not len(many.child_axes[0].collections)
    spans = [line for line in many.child_axes[0].lines if line.get_marker() == "_"]
    assert spans[0].get_ydata() == pytest.approx([0.24, 0.37])


def test_segments_without_a_second_day_are_named_below():
    table = pd.concat([make_times(0.5, 0.2), make_curve("s3", n_days=1)])
    ax = plot_times(table, EN, names=NAMES | {"s3": "slow"})
    assert "Too little for a curve: Slow path." in texts(ax)
    assert plot_times(make_curve(n_days=1), EN) is None


def test_nobody_bought_is_a_flat_curve():
    ax = plot_times(make_curve(last=0.0).assign(high=0.0), EN)
    assert "won\n0.0%" in texts(ax)


def test_one_segment_beside_all_leads_is_no_comparison():
    assert "won\n30.0%" in texts(plot_times(make_times(0.5), EN))


def dots(ax, is_ring=False):
    """Where dots, or rings, of the rows stand, from the top down, those of the key left out."""
    found = [n for n in ax.lines if n.get_marker() == "o" and n.get_transform() == ax.transData]
    found = [n for n in found if same_color(n.get_markerfacecolor(), "white") == is_ring]
    found = sorted(found, key=lambda n: np.ravel(n.get_ydata())[0])
    return [float(np.ravel(n.get_xdata())[0]) for n in found]


def test_cohorts_are_a_dot_a_month_and_the_young_ones_rings():
    ax = plot_cohorts(make_cohorts(4, 1), EN)
    assert dots(ax) == [pytest.approx(x) for x in (0.2, 0.22, 0.24)]
    assert dots(ax, is_ring=True) == [pytest.approx(0.26)]
    assert {"January 2024", "20.0% of 100", "bought within 36 days"} <= set(texts(ax))
    assert "too young to compare" in texts(ax)
    young = next(t for t in ax.texts if t.get_text() == "April 2024")
    assert same_color(young.get_color(), MUTED)
    assert "too young to compare" not in texts(plot_cohorts(make_cohorts(4, 0), EN))
    assert {"январь 2024", "купили за 36 дней"} <= set(texts(plot_cohorts(make_cohorts(), RU)))


def test_whiskers_are_the_intervals():
    ax = plot_cohorts(make_cohorts(2, 0), EN)
    assert list(whiskers(ax)[0].get_xdata()) == pytest.approx([0.13, 0.28])


def test_a_line_stands_at_the_mean_of_all_leads_that_can_be_compared():
    """Of 100 leads 20 %, of 101 22 %, of 102 24 %: (20 + 22.22 + 24.48) / 303 = 22.01 %."""
    ax = plot_cohorts(make_cohorts(4, 1), EN)
    line = next(n for n in ax.lines if np.ptp(n.get_ydata()) > 50)
    assert list(line.get_xdata()) == pytest.approx([0.22013, 0.22013], abs=1e-5)
    assert "all comparable months: 22.0%" in texts(ax)
    assert "all comparable months" not in " ".join(texts(plot_cohorts(make_cohorts(3, 2), EN)))


def test_one_month_is_a_sentence():
    assert plot_cohorts(make_cohorts(1, 0), EN) is None


def test_months_stand_in_their_order_and_the_last_24_alone():
    ax = plot_cohorts(make_cohorts(40).sample(frac=1, random_state=1), EN)
    months = [t for t in texts(ax) if t[-4:].isdigit()]
    assert len(months) == 24 and months[0] == "May 2025" and months[-1] == "April 2027"
    assert "Only the last 24 months are shown." in texts(ax)


def test_an_unknown_month_keeps_its_row():
    table = make_cohorts(3, 0)
    table.loc[1, ["share", "low", "high"]] = np.nan
    ax = plot_cohorts(table, EN)
    assert texts(ax).count("—") == 1 and len(dots(ax)) == 2


def shares(ax, marker):
    """Where the marks of a kind stand, from the top down."""
    found = [line for line in ax.lines if line.get_marker() == marker]
    found = [line for line in found if line.get_transform() == ax.transData]
    found = sorted(found, key=lambda line: np.ravel(line.get_ydata())[0])
    return found, [float(np.ravel(line.get_xdata())[0]) for line in found]


def test_marks_stand_at_the_shares_and_tell_effort_from_money():
    ax = plot_effort(make_ranges(), EN, names=NAMES)
    (actions, at_actions), (amounts, at_amounts) = shares(ax, "o"), shares(ax, "D")
    assert at_actions == pytest.approx([0.6, 0.3, 0.1])
    assert at_amounts == pytest.approx([0.4, 0.35, 0.25])
    for action, amount, colour in zip(actions, amounts, (ACCENT, MUTED, WENT_ON), strict=True):
        assert same_color(action.get_color(), colour) and same_color(amount.get_color(), colour)
        assert 5 < np.ravel(amount.get_ydata())[0] - np.ravel(action.get_ydata())[0] < 12
    spans = [list(line.get_xdata()) for line in whiskers(ax)]
    assert spans[:2] == [pytest.approx([0.55, 0.65]), pytest.approx([0.35, 0.45])]
    said = texts(ax)
    assert {
        "more effort than revenue",
        "more revenue than effort",
        "no difference beyond chance",
    } <= (set(said))
    first = said.index("Path with “Read it”")
    assert said[first : first + 3] == ["Path with “Read it”", "● 60.0%", "◆ 40.0%"]
    assert "Path without “Read it”" in said


def test_shares_without_intervals_have_no_whiskers_and_no_verdict():
    bare = judge_effort(make_ranges().assign(low=np.nan, high=np.nan))
    ax = plot_effort(bare, EN)
    assert "95% interval" not in texts(ax) and "S1" in texts(ax)
    assert not whiskers(ax)
    assert "more effort than money" not in texts(ax)


def test_long_names_stand_whole_above_their_shares():
    said = [t.replace("\n", " ") for t in texts(plot_effort(make_ranges(), RU, names=NAMES))]
    assert f"Путь с шагом «{LONG['read']}»" in said


def test_of_several_currencies_that_of_most_buyers_is_drawn_and_named():
    won = pd.DataFrame({"segment": "all", "measure": "n_won", "value": [9.0, 50.0],
                        "currency": ["EUR", "USD"]})  # fmt: skip
    table = pd.concat([make_ranges(), make_ranges((0.7, 0.3), (0.5, 0.5), currency="USD")])
    assert "Effort and revenue by segment · EUR" in texts(plot_effort(table, EN))
    ax = plot_effort(pd.concat([table, won]), EN)
    assert "Effort and revenue by segment · USD" in texts(ax)
    assert len(shares(ax, "o")[0]) == 2
    bare = pd.concat([make_ranges(currency=""), make_ranges(currency="USD").head(2)])
    assert "Effort and revenue by segment · Without a currency" in texts(plot_effort(bare, EN))


def test_one_segment_and_unknown_money_have_nothing_to_draw():
    assert plot_effort(make_ranges((), ()), EN) is None
    table = make_ranges()
    table.loc[table["measure"] == "share_of_amount", ["value", "low", "high"]] = np.nan
    assert plot_effort(judge_effort(table), RU) is None


def test_two_segments_that_do_not_differ_are_a_sentence():
    assert plot_effort(make_ranges((0.5, 0.5), (0.5, 0.5)), EN) is None
    assert plot_effort(make_ranges((0.7, 0.3), (0.5, 0.5)), EN) is not None
    assert plot_effort(make_ranges([0.25] * 4, [0.25] * 4), EN) is not None

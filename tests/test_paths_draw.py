"""The commonest journeys as rows: as they were counted, readable, and nothing but text."""

import re

import numpy as np
import pandas as pd
import pytest
from test_draw import HOSTILE

from funnel_lib.core.words import Words
from funnel_lib.sections.paths.draw import show_sequences

EN = Words("en", {"ask": "Asked", "read": "Read it", "pay": "Paid"})


def make_sequences():
    """Of 200 leads 100 asked alone, 10 of them open; 50 paid; 8 open ones read it."""
    return pd.DataFrame({
        "journey": ["ask", "ask > pay", "ask > read"], "n_leads": [100, 50, 8],
        "share_of_leads": [0.5, 0.25, 0.04], "n_won": [0, 50, 0], "n_open": [10, 0, 8],
        "share_won": [0, 1, np.nan],
    })  # fmt: skip


def read(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_a_row_says_how_many_walked_it_and_how_many_bought():
    said = read(show_sequences(make_sequences(), EN).html)
    assert said.startswith("The 3 commonest journeys: 158 leads, 79% of all that entered.")
    assert "100 leads · bought: 0% Asked" in said
    assert "50 leads · bought: 100% Asked → Paid" in said
    assert said.endswith("8 leads · bought: — Asked → Read it")


def test_bars_are_as_long_as_their_counts():
    html = show_sequences(make_sequences(), EN).html
    assert re.findall(r"width:([\d.]+)%", html) == ["90.0", "10.0", "50.0", "8.0"]


def test_one_journey_is_a_sentence():
    assert show_sequences(make_sequences().head(1), EN) is None
    assert show_sequences(make_sequences().head(0), EN) is None


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_names_are_text(lang):
    for name in HOSTILE:
        html = show_sequences(make_sequences(), Words(lang, {"ask": name})).html
        assert not {*re.findall(r"<(\w+)", html)} - {"p", "span", "ol", "li", "div"}

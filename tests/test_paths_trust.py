"""Are planted segments trusted, and segments too many doubted?"""

import numpy as np
import pytest

from funnel_lib.core.groups import keep_together
from funnel_lib.sections.paths.segments import find_segments, read_segments, write_segments
from funnel_lib.sections.paths.trust import measure_trust


@pytest.fixture(scope="module")
def trust(journeys, found):
    return measure_trust(found, journeys, n_resamples=2)


def test_planted_segments_are_stable_and_better_than_one_fewer(trust):
    cards = trust.segments
    assert cards["segment"].tolist() == ["s1", "s2", "s3"]
    assert (cards["stability"] > 0.9).all() and cards["trust"].tolist() == ["stable"] * 3
    assert (cards["p_null"] < 1e-6).all()  # a gain no log without the third segment can show


def test_the_choice_is_argued(trust, found):
    choice = trust.choice.set_index("n_segments")
    assert choice.index.tolist()[:4] == [1, 2, 3, 4]
    lengths = choice["description_length"]
    assert lengths.idxmin() == 3 and choice["chosen"].tolist()[:4] == [False, False, True, False]
    assert np.isnan(choice.loc[1, "gain"])
    assert choice.loc[3, "gain"] == pytest.approx(lengths[2] - lengths[3])
    assert choice.loc[4, "gain"] < 0 and choice.loc[3, "null_gain"] < choice.loc[3, "gain"]
    assert choice["null_gain"].notna().sum() == 1


def test_a_segment_too_many_is_doubted(journeys):
    trust = measure_trust(find_segments(journeys, 4), journeys, n_null=4, n_resamples=2)
    assert (trust.segments["trust"] == "doubtful").any()


def test_a_single_segment_has_nothing_to_trust(journeys):
    trust = measure_trust(find_segments(journeys, 1), journeys)
    assert trust.segments["trust"].tolist() == ["single"]
    assert trust.segments[["stability", "p_null"]].isna().all(axis=None)
    nobody_asked = measure_trust(keep_together(journeys), journeys)
    assert nobody_asked.segments["trust"].tolist() == [""] and nobody_asked.choice.empty


def test_segments_of_a_file_are_not_questioned(journeys, found, tmp_path):
    write_segments(found, tmp_path / "segments.json")
    kept = read_segments(tmp_path / "segments.json", journeys)
    trust = measure_trust(kept, journeys)
    assert trust.segments["trust"].tolist() == ["saved"] * 3
    assert trust.choice["chosen"].sum() == 1  # what was compared when they were found

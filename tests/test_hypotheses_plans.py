"""The file of hypotheses: from proposed over running to read, and every wrong turn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.hypotheses.count import build_hypotheses
from funnel_lib.sections.hypotheses.plans import (
    Plans,
    list_plans,
    look_at_plan,
    propose_plans,
    read_plans,
    start_plan,
    write_plans,
)


@pytest.fixture(scope="module")
def planted_split():
    """A planted log whose leads fell by lot into two halves that are treated alike."""
    planted = plant_log("one", 2000, seed=3)
    leads = planted.leads.assign(half=np.where(np.arange(2000) % 2, "new", "old"))
    log = build_log(planted.events, leads, planted.truth["observed_until"])
    return build_journeys(log, parse_steps(planted.steps_yaml))


@pytest.fixture(scope="module")
def proposed(planted_split):
    table = build_hypotheses(planted_split, references={"terms_agreed": 0.95})
    return propose_plans(Plans(), table, keep_together(planted_split), Words("ru"))


def test_from_proposal_to_the_end(planted_split, proposed, tmp_path):
    first = proposed.hypotheses[0]
    assert first.step == "terms_agreed" and first.status == "proposed" and first.leads_per_half > 0
    running = start_plan(proposed, first.id, "half", "new", "old", "2025-03-01", "60D")
    write_plans(running, tmp_path / "h.yml")
    assert "Yours to edit" in (tmp_path / "h.yml").read_text(encoding="utf-8")
    again = read_plans(tmp_path / "h.yml")
    assert again == running and again.hypotheses[0].since.isoformat() == "2025-03-01"
    reading, read = look_at_plan(again, first.id, planted_split, keep_together(planted_split))
    look = read.hypotheses[0].looks[0]
    assert look.n_test == reading["n_test"].iloc[0] and read.hypotheses[0].status == "read"
    assert look.low < 0 < look.high and not look.early  # both halves were treated alike
    table = list_plans(read).set_index("id").loc[first.id]
    assert table["state"] == "read" and table["n_looks"] == 1
    assert table["difference"] == pytest.approx(reading["difference"].iloc[0], abs=1e-6)
    assert list_plans(Plans()).columns[:2].tolist() == ["id", "segment"]


def test_an_early_look_is_noted_and_widens_the_later_range(planted_split, proposed):
    first = proposed.hypotheses[0]
    more = first.model_copy(update={"leads_per_half": 1_000_000})
    running = start_plan(
        Plans(hypotheses=(more,)), first.id, "half", "new", "old", "2025-01-01", "60D"
    )
    reading, plans = look_at_plan(running, first.id, planted_split, keep_together(planted_split))
    assert plans.hypotheses[0].status == "running" and plans.hypotheses[0].looks[0].early
    assert reading["is_early"].iloc[0] and not reading["looked_before"].iloc[0]
    full = plans.hypotheses[0].model_copy(update={"leads_per_half": 100})
    reading, plans = look_at_plan(
        Plans(hypotheses=(full,)), first.id, planted_split, keep_together(planted_split)
    )
    assert len(plans.hypotheses[0].looks) == 1  # the same export is one look
    later = replace(planted_split, observed_until=planted_split.observed_until + pd.Timedelta("9D"))
    row = look_at_plan(Plans(hypotheses=(full,)), first.id, later, keep_together(later))[0].iloc[0]
    assert row["looked_before"] and row["valid_high"] > row["high"]


def test_what_the_user_has_stays(proposed, planted_split):
    mine = proposed.hypotheses[0].model_copy(update={"change": "call on the same day"})
    table = build_hypotheses(planted_split, references={"terms_agreed": 0.95})
    found = keep_together(planted_split)
    again = propose_plans(Plans(hypotheses=(mine,)), table, found, Words("en"))
    assert again.hypotheses[0].change == "call on the same day"
    ids = [plan.id for plan in again.hypotheses]
    assert len(ids) == len(set(ids))


def test_wrong_turns_are_told(proposed, planted_split):
    first = proposed.hypotheses[0].id
    with pytest.raises(InputError, match="did you mean") as told:
        start_plan(proposed, first[:-1], "half", "new", "old", "2025-03-01", "60D")
    with pytest.raises(InputError) as told:
        start_plan(proposed, first, "half", "", "", "03.04.2025", "")
    assert len(told.value.problems) == 4 and "write it as 2025-03-01" in str(told.value)
    with pytest.raises(InputError, match="test and control are both '0'"):
        start_plan(proposed, first, "half", 0, "0", "2025-03-01", "60D")
    running = start_plan(proposed, first, "half", "new", "old", "2025-03-01", "60D")
    with pytest.raises(InputError, match="running already"):
        start_plan(running, first, "half", "new", "old", "2025-03-01", "60D")
    with pytest.raises(InputError, match="was not started"):
        look_at_plan(proposed, first, planted_split, keep_together(planted_split))
    steps, n = planted_split.steps.before_sale, len(planted_split.leads)
    found = Segmentation(steps, ("s1", "s2"), (steps, steps[1:]), ((), ()), np.ones((n, 2)) / 2)
    plan = running.hypotheses[0]
    gone, moved, kept = (
        Plans(hypotheses=(plan.model_copy(update={"segment": segment, "path": path}),))
        for segment, path in (("s1+s7", ()), ("s1", steps[1:]), ("s1", steps))
    )
    with pytest.raises(InputError, match=r"no segment 's7'; there are s1, s2\..*segments.json"):
        look_at_plan(gone, first, planted_split, found)
    with pytest.raises(InputError, match="segment s1 walks another path here"):
        look_at_plan(moved, first, planted_split, found)
    assert look_at_plan(kept, first, planted_split, found)[0]["segment"].tolist() == ["s1"]
    unsized = proposed.hypotheses[0].model_copy(update={"leads_per_half": None})
    with pytest.raises(InputError, match="how many leads_per_half it needs"):
        start_plan(Plans(hypotheses=(unsized,)), first, "half", "a", "b", "2025-03-01", "60D")


def test_a_file_with_mistakes_names_their_lines(tmp_path):
    path = tmp_path / "h.yml"
    path.write_text(
        "hypotheses:\n"
        "- {id: a, segment: all, step: pay, path: [], status: running}\n"
        "- {id: a, segment: all, step: pay, path: [], status: ended}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="line 3"):
        read_plans(path)
    path.write_text(path.read_text(encoding="utf-8").replace("ended", "proposed"), encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_plans(path)
    assert (
        "line 2: a is running, but column, test, control, since, within, leads_per_half is not told"
        in str(told.value)
    )
    assert "line 3: the id 'a' is used twice" in str(told.value)


def test_nothing_sure_is_nothing_proposed():
    table = pd.DataFrame({"segment": "all", "step": ["pay", "read"], "extra_won": [np.nan, 5.0],
                          "low": [np.nan, 0.0], "high": [np.nan, 9.0],
                          "beyond_chance": False})  # fmt: skip
    found = Segmentation(("read",), ("all",), (("read", "pay"),), ((),), np.ones((0, 1)))
    assert propose_plans(Plans(), table, found, Words("en")) == Plans()


def test_an_empty_file_is_no_hypothesis_and_a_new_folder_is_made(tmp_path, proposed):
    (tmp_path / "h.yml").write_text("\n", encoding="utf-8")
    assert read_plans(tmp_path / "h.yml") == read_plans(tmp_path / "nowhere.yml") == Plans()
    write_plans(proposed, tmp_path / "new" / "h.yml")
    text = (tmp_path / "new" / "h.yml").read_text(encoding="utf-8")
    assert text.count("status: proposed") == len(proposed.hypotheses)
    assert "предлагайте его всем" in text or "помогайте" in text
    (tmp_path / "h.yml").write_text("version: 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="version is 2"):
        read_plans(tmp_path / "h.yml")


def test_a_look_after_the_end_is_a_look_again(planted_split, proposed):
    first = proposed.hypotheses[0].model_copy(update={"leads_per_half": 100})
    running = start_plan(
        Plans(hypotheses=(first,)), first.id, "half", "new", "old", "2025-01-01", "60D"
    )  # fmt: skip
    _, read = look_at_plan(running, first.id, planted_split, keep_together(planted_split))
    later = replace(planted_split, observed_until=planted_split.observed_until + pd.Timedelta("9D"))
    reading, again = look_at_plan(read, first.id, later, keep_together(later))
    assert reading["looked_before"].iloc[0] and len(again.hypotheses[0].looks) == 2

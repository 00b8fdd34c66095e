"""The table of leads: where each one stands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import CONTACT, EventLog
from funnel_lib.core.groups import UNDETERMINED, Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import write_codes
from funnel_lib.core.tallies import number_rows, tally
from funnel_lib.counting.asked import ASKED, judge_asked
from funnel_lib.counting.checks import find_uncut
from funnel_lib.counting.moves import find_last_stage, find_stage_step
from funnel_lib.counting.reach import measure_depth
from funnel_lib.counting.tree import Places, find_places


def list_leads(
    log: EventLog,
    journeys: Journeys,
    segmentation: Segmentation | None = None,
    recorded_alike: np.ndarray | None = None,
) -> pd.DataFrame:
    """Where does each lead stand?

    The table `leads`: its places are those of `tree.find_places`, what is cut those leads that
    `checks.find_uncut` leaves out. `recorded_alike`, (n_leads,), are the leads of nobody who
    records otherwise (see `recording.Habits`; not given, all).
    """
    places = find_places(journeys, segmentation)
    counted, tree = places.counted, places.tree
    entered, of_lead = counted.entered, counted.of_lead
    best = counted.members.argmax(axis=1)
    ids = tree.ids if len(tree.ids) > 1 else ("all",)
    largest = counted.members.max(axis=1)
    sure = np.where(largest >= UNDETERMINED, best, len(ids))
    nodes = [tree.name(node.segments) for node in tree.nodes]
    branch = np.where(places.node > 0, places.node - 1, len(nodes) + places.path)
    leaves = [  # paths that the tree cannot tell from each other are one
        tree.name(tuple(k for k, other in enumerate(tree.skeletons) if other == skeleton))
        for skeleton in tree.skeletons
    ]

    def write(codes: np.ndarray, names) -> pd.Series:
        return write_codes(np.where(entered, codes, -1)[of_lead], names)

    leads, stage = journeys.leads, find_last_stage(log, journeys)
    node = pd.Series(places.node[of_lead], dtype="Int64")
    own = pd.DataFrame({
        "lead_id": leads["lead_id"],
        "segment": write(sure, [*ids, "undetermined"]),
        "likely": _write_sets(find_likely(places) & entered[:, None], ids)[of_lead].array,
        "tree_segment": write(branch, [*nodes, *leaves]),
        "probability": np.where(entered, largest, np.nan)[of_lead],
        "status": leads["status"],
        "last_step": write(places.last, journeys.steps.ids),
        "missed_step": write(places.node - 1, [node.missed for node in tree.nodes]),
        "asked": write(places.asked, ASKED),
        "stage": stage,
        "stage_ahead": _find_ahead(journeys, stage),
        "amount": leads["amount"],
        "currency": leads["currency"],
        "node": node.mask(node == 0),
        "is_cut": ~find_uncut(journeys),
        "recorded_alike": True if recorded_alike is None else recorded_alike,
    })  # fmt: skip
    known = ["lead_id", "status", "stage", "has_row", CONTACT, "amount", "currency"]
    rest = leads.drop(columns=known, errors="ignore")
    taken = {*own, "next_step", "days_silent", "overdue"}
    rest = rest.rename(columns={c: f"{c}_in_export" for c in rest if c in taken})
    return pd.concat([own, rest], axis=1)


def list_next_steps(places: Places, steps: tuple[str, ...]) -> pd.DataFrame:
    """Which steps come next on the likely paths of each lead, joined by `` | `` in file order, and
    was any of them proposed: next_step, asked, (n_leads,). Of a lead that never entered the first
    steps of all paths, of one that was won none."""
    counted, n = places.counted, places.asked_for.shape[1]
    on = find_likely(places) & (places.waits_for >= 0)
    wanted = np.zeros((len(on), n), bool)
    rows, paths = np.nonzero(on)
    wanted[rows, places.waits_for[rows, paths]] = True
    asked = np.where(wanted.any(axis=1), judge_asked(counted, places.asked_for, wanted), -1)
    return pd.DataFrame({
        "next_step": _write_sets(wanted, steps)[counted.of_lead].array,
        "asked": write_codes(asked[counted.of_lead], ASKED),
    })  # fmt: skip


def find_likely(places: Places) -> np.ndarray:
    """Which are the likely paths of each walk, the fewest to which it belongs by `UNDETERMINED`,
    (n_walks, n_segments)? All, of leads that never entered."""
    members = places.counted.members
    order = np.argsort(-members, axis=1, kind="stable")
    before = np.cumsum(np.take_along_axis(members, order, axis=1), axis=1)
    before -= np.take_along_axis(members, order, axis=1)
    likely = np.zeros(members.shape, bool)
    np.put_along_axis(likely, order, before < UNDETERMINED, axis=1)
    return likely


def _write_sets(marks: np.ndarray, names: tuple[str, ...]) -> pd.Series:
    """Join the names that each row marks; missing where it marks none."""
    first, number = number_rows(marks)
    texts = [" | ".join(names[i] for i in np.flatnonzero(row)) for row in marks[first]]
    return write_codes(np.where(marks.any(axis=1), number, -1), texts)


def _find_ahead(journeys: Journeys, stage: pd.Series) -> np.ndarray:
    """Of which leads does the stage say more than the client did, (n_leads,)?"""
    codes = {step_id: n for n, step_id in enumerate(journeys.steps.ids)}
    means = {name: find_stage_step(journeys.steps, name) for name in stage.dropna().unique()}
    shown = pd.to_numeric(stage.map({name: codes.get(step) for name, step in means.items()}))
    counted = tally(journeys)
    came = measure_depth(counted, np.arange(len(journeys.steps.before_sale)))[counted.of_lead] - 1
    ahead = (shown > came) & (journeys.leads["status"] != "won")
    return ahead.to_numpy(bool)

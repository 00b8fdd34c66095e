"""Count where clients are lost: the step not taken, asked or not, the money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.comparing.recording import find_habits, leave_out_habits
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange, list_columns
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.money import list_money
from funnel_lib.counting.tree import Node, Places, find_places
from funnel_lib.sections.section import Source, check_choice, is_given
from funnel_lib.stats.intervals import divide


def count_losses(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """At which step not taken are leads lost, were they asked, what are they worth? The table
    `losses`: of all leads by the nodes of the tree, of a segment by those behind its last fork.

    Which amounts count as money: see `money.take_amounts`.
    """
    places = find_places(journeys, segmentation)
    counted, tree = places.counted, places.tree
    names, lost, leads, amounts = _count_lost(journeys, places, np.ones(len(journeys.leads), bool))
    everyone = np.ones(len(lost), bool)
    groups = [("all", everyone, tree.nodes)]
    if len(tree.ids) > 1:
        groups += [(s, places.path == k, tree.list_own(k)) for k, s in enumerate(tree.ids)]
    parts = [
        _count_group(places, nodes, lost & here, places.came[here], counted.n[here], leads, amounts)
        .assign(segment=segment, currency=np.tile(names, len(nodes)))
        for segment, here, nodes in groups
        if nodes
    ]  # fmt: skip
    return arrange("losses", pd.concat(parts, ignore_index=True))


def count_alike(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Where are leads lost that are of nobody who records otherwise? The table `losses_alike`, of
    the tree of the paths that are not such a habit; empty where all record alike.

    Who leaves out a step has all leads lost later appear to be lost before it, or makes a path, and
    with it a fork at which those of two places are counted together.
    """
    habits = find_habits(journeys, segmentation)
    if habits.placed[journeys.leads["entered_at"].notna()].all():
        return arrange("losses_alike")
    found = segmentation or keep_together(journeys)
    places = find_places(journeys, leave_out_habits(found, habits.paths))
    names, lost, leads, amounts = _count_lost(journeys, places, habits.placed)
    came = places.counted.add_up(habits.placed)
    nodes = places.tree.nodes
    n_came = (came[:, None] * places.came).sum(axis=0)
    table = _count_group(places, nodes, lost, places.came, came, leads, amounts).assign(
        n_came=np.repeat(n_came, len(names)), currency=np.tile(names, len(nodes))
    )
    return arrange("losses_alike", table[list_columns("losses_alike")])


def _count_lost(journeys: Journeys, places: Places, chosen: np.ndarray):
    """The currencies; which walks were lost, (n_walks,); how many of some leads each has, and with
    which amounts, (n_walks, n_currencies) each."""
    counted = places.counted
    lost = counted.entered & counted.has_status("lost") & (places.node > 0)
    currency, names, amounts = list_money(journeys)
    mine = (currency[:, None] == np.arange(len(names))) & chosen[:, None]
    sums = (counted.add_up(x) for x in (mine, mine * np.nan_to_num(amounts)[:, None]))
    return names, lost, *sums


def _count_group(places: Places, nodes: list[Node], lost, came, n, leads, amounts) -> pd.DataFrame:
    """Losses of some walks at some nodes, a row a node and currency."""
    numbers = np.array([node.number for node in nodes])
    rows = np.flatnonzero(lost & np.isin(places.node, numbers))
    place, width = np.searchsorted(numbers, places.node[rows]), leads.shape[1]

    def add(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(place, x, len(nodes)) for x in values[rows].T]
        return np.column_stack(sums).ravel()

    asked = {
        name: add(leads * (places.asked == ASKED.index(answer))[:, None])
        for name, answer in (("n_asked", "yes"), ("n_not_asked", "no"), ("n_unknown", "unknown"))
    }
    n_lost = add(leads)
    return pd.DataFrame({
        "node": np.repeat(numbers, width),
        "missed_step": np.repeat([node.missed for node in nodes], width),
        "n_lost": n_lost, **asked, "amount_lost": add(amounts),
        "share_of_lost": divide(n_lost, n_lost.sum()),
        "share_of_entered": divide(n_lost, n[came[:, nodes[0].number - 1]].sum()),
    })  # fmt: skip


def list_lost(
    source: Source, step: str = "", asked: str = "", segment: str = "all"
) -> pd.DataFrame:
    """Which lost leads stand behind a number of the table `losses`?

    Rows of the table `leads`, whose `missed_step` (of a fork the next steps, joined by `` | ``) and
    `asked` are chosen by; one of these that is not given does not matter.
    """
    places = find_places(source.journeys, source.segmentation)
    tree, leads = places.tree, source.tables["leads"]
    node, chosen = places.node[places.counted.of_lead], list(tree.nodes)
    lost = (leads["status"] == "lost").to_numpy() & (node > 0)
    if segment != "all":
        ids = ["all", *tree.ids] if len(tree.ids) > 1 else ["all"]
        own = ids.index(check_choice("segment", segment, ids)) - 1
        chosen = tree.list_own(own)
        lost &= (places.path == own)[places.counted.of_lead]
    if is_given(step):
        check_choice("step", step, dict.fromkeys(n.missed for n in chosen))
        chosen = [n for n in chosen if n.missed == step]
    lost &= np.isin(node, [n.number for n in chosen])
    if is_given(asked):
        lost &= (leads["asked"] == check_choice("asked", asked, ASKED)).to_numpy()
    return leads[lost].reset_index(drop=True)

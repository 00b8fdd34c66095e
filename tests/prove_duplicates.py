"""Clients entered twice, planted: how many are told, and what merging them brings back."""

from __future__ import annotations

import numpy as np
import pandas as pd
from proving import show_row, write_head

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.counting.duplicates import (
    find_first_entries,
    find_second_entries,
    merge_duplicates,
)
from funnel_lib.datasets.planted import plant_log

SHARES = (0, 0.03, 0.15)
MOST_OFF = 0.01


def make_accounts(leads: pd.DataFrame, n_deals: int = 5) -> pd.DataFrame:
    """Give each `n_deals` leads that came one after the other to one account, honest deals: each of
    another product."""
    order = np.argsort(pd.to_datetime(leads["created_at"]).to_numpy(), kind="stable")
    place = np.empty(len(leads), int)
    place[order] = np.arange(len(leads))
    return leads.assign(
        account_id=[f"A{n}" for n in place // n_deals],
        product=[f"product {n}" for n in place % n_deals],
    )


def enter_twice(events: pd.DataFrame, leads: pd.DataFrame, share: float, seed: int):
    """Enter clients a second time: (events, leads, which leads are second entries).

    Within a week, while the first lead is open, another manager opens a second one of the same
    product, and mostly closes it as lost; of its client it has the first step alone.
    """
    rng = np.random.default_rng(seed)
    times = {c: pd.to_datetime(leads[c]) for c in ("created_at", "closed_at")}
    leads, at = leads.assign(**times), pd.to_datetime(events["at"])
    events = events.assign(at=at)
    n = round(share / (1 - share) * len(leads))
    chosen = leads.iloc[np.sort(rng.choice(len(leads), n, replace=False))]
    ids = ("D" + chosen["lead_id"].astype("str")).to_numpy()
    until = chosen["closed_at"].fillna(at.max())
    room = np.minimum((until - chosen["created_at"]) / pd.Timedelta("1D"), 7) * 0.98
    created = chosen["created_at"] + pd.to_timedelta(room * rng.random(n), unit="D")
    closed = created + pd.to_timedelta(rng.exponential(5, n), unit="D")
    is_open = (closed > at.max()).to_numpy() | (rng.random(n) < 0.1)
    second = chosen.assign(
        lead_id=ids, created_at=created.dt.floor("min"), closed_at=closed.mask(is_open),
        status=np.where(is_open, "open", "lost"),
        manager=rng.permutation(chosen["manager"].to_numpy()),
    )  # fmt: skip
    first = events[events["actor"] == "client"].drop_duplicates("lead_id")
    first = first.set_index("lead_id").reindex(chosen["lead_id"])
    acts = first.assign(lead_id=ids, at=second["created_at"].to_numpy()).dropna(subset="action")
    both = pd.concat([leads, second], ignore_index=True)
    is_second = np.arange(len(both)) >= len(leads)
    return pd.concat([events, acts], ignore_index=True), both, is_second


def prove_duplicates(n_leads: int = 3000, seeds=range(10)) -> tuple[str, bool]:
    """A table: of planted shares of second entries what is told, and who bought, before and after
    merging, with accounts of five honest deals."""
    lines, fine = write_head(["planted", "told", "bought, truth", "as entered", "merged"]), True
    for share in SHARES:
        told, bought = [], []
        for seed in seeds:
            planted = plant_log("kettles", n_leads, seed)
            leads = make_accounts(planted.leads)
            events, twice, _ = enter_twice(planted.events, leads, share, seed)
            steps = parse_steps(planted.steps_yaml)
            log = build_log(events, twice, planted.truth["observed_until"])
            plain = build_journeys(log, steps)
            merged = build_journeys(merge_duplicates(log, find_first_entries(plain)), steps)
            told.append(find_second_entries(plain).mean())
            won = [(x["status"] == "won").mean() for x in (leads, plain.leads, merged.leads)]
            bought.append(won)
        off = np.abs(np.array(told) - share).max()
        fine &= off <= MOST_OFF if share else not any(told)
        lines.append(show_row(*(f"{x:.1%}" for x in (share, np.mean(told), *np.mean(bought, 0)))))
    return "\n".join([*lines, "", READ_DUPLICATES]), fine


READ_DUPLICATES = """\
How to read it: clients entered twice, *planted* as a share of the leads, and *told* (within a point
in each of ten logs; none where none are). *Bought*: of the log without them, with them, and after
`--merge-duplicates`. Every account has five honest deals, each of another product."""

"""Planted logs of which a filter of the export leaves out a part."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from funnel_lib.core.events import build_log
from funnel_lib.datasets.planted import plant_log

DAY = pd.Timedelta("1D")
N = 800  # leads


@lru_cache(maxsize=64)  # the cuts are of the same logs
def plant(seed, n=N, world="kettles"):
    """Events and leads of a planted CRM, their times as times, and its steps: to be copied."""
    planted = plant_log(world, n, seed)
    events = planted.events.assign(at=pd.to_datetime(planted.events["at"]))
    times = {c: pd.to_datetime(planted.leads[c]) for c in ("created_at", "closed_at")}
    return events, planted.leads.assign(**times), planted


def keep(events, leads, kept):
    leads = leads[kept]
    return events[events["lead_id"].isin(leads["lead_id"])], leads


def by_closing(events, leads, day):
    return keep(events, leads, (leads["closed_at"] >= day) | (leads["status"] == "open"))


def closed_alone(events, leads, day):
    return keep(events, leads, leads["closed_at"] >= day)


def by_creation(events, leads, day):
    return keep(events, leads, leads["created_at"] >= day)


def by_event(events, leads, day):
    return events[events["at"] >= day], leads


def introduce(events, leads, day):
    """A CRM is introduced: those not closed by then are entered on one day."""
    day = day.normalize()
    old = leads["created_at"] < day
    entered = leads["created_at"].mask(old, day + pd.Timedelta(hours=12))
    gone = old & (leads["closed_at"] < day)
    events, leads = keep(events, leads.assign(created_at=entered), ~gone)
    return events[events["at"] >= day], leads


def without(status):
    return lambda events, leads, day: keep(events, leads, leads["status"] != status)


CUTS = {
    "cut_by_closing": by_closing,
    "history_begins_late": by_event,
    "introduced_at_once": introduce,
    "no_open_leads": without("open"),
    "no_lost_leads": without("lost"),
    "no_won_leads": without("won"),
}


def cut_planted(make, seed, n=N, world="kettles"):
    events, leads, planted = plant(seed, n, world)
    day = leads["created_at"].min() + (0.3 + 0.03 * (seed % 10)) * 365 * DAY
    events, leads = make(events, leads, day)
    return build_log(events, leads, planted.truth["observed_until"]), day, planted

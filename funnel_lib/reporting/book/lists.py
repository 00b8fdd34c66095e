"""Lists of single leads for people to work through: the open ones, whose they are, the lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.words import Words, join_sentences
from funnel_lib.reporting.book.sheets import Sheet
from funnel_lib.sections.open_leads.count import ENDED, TAKEN
from funnel_lib.sections.section import Source, title_table

MOST_MANAGERS, MOST_PLACES, MOST_LEADS = 20, 12, 5_000  # that have sheets; on each
_OPEN = (
    "lead_id", "manager", "to_do", "asked", "overdue", "last_contact", "days_silent", "stage",
    "amount", "currency", "last_step", "next_step", "segment", "likely",
)  # fmt: skip
_LOST = ("lead_id", "manager", "asked", "amount", "currency", "stage", "closed_at", "loss_reason")
_URGENCY = {"no": 0, "unknown": 1, "yes": 2}
_TO_DO = {"no": "sheet.propose", "unknown": "sheet.propose_unless", "yes": "sheet.remind"}
_TO_ASK = {TAKEN: "sheet.ask_taken", ENDED: "sheet.ask_ended"}


def list_open(source: Source, words: Words, about: str) -> list[Sheet]:
    """The open leads and what to do about each, then those of each manager, where there are
    several: those with most first."""
    table = _add_acts(source, words)
    titles = {
        "to_do": words.text("page.to_do"),
        "last_contact": words.text("sheet.last_contact"),
    }
    alone = {"segment", "likely"} if (table["segment"] == "all").all() else set()
    columns = [c for c in _OPEN if c not in alone]
    title = title_table("open_leads", words)
    file = "tables/open_leads.csv"
    known = {"name": "open_leads", "titles": titles, "more_in": file, "section": "open_leads"}
    sheets = [Sheet(title, about, table, columns, **known)]
    columns = [c for c in columns if c != "manager"]
    for manager, n in _count_managers(table).head(MOST_MANAGERS).items():
        told = words.text("sheet.manager_about", manager=manager, n=n)
        rows = table[table["manager"] == manager]
        sheets.append(Sheet(manager, told, rows, columns, most=MOST_LEADS, is_part=True, **known))
    return sheets


def list_lost(source: Source, words: Words) -> list[Sheet]:
    """The lost leads of each place of the paths, where most are lost first; those to whom the step
    was never proposed first."""
    leads = source.tables["leads"]
    lost = leads[(leads["status"] == "lost") & leads["node"].notna()]
    lost = lost.assign(urgency=lost["asked"].map(_URGENCY)).sort_values(
        ["urgency", "amount", "lead_id"], ascending=[True, False, True], kind="stable"
    )
    places = _count_places(source)
    several = places["missed_step"].duplicated(keep=False)
    sheets = []
    for node, place in places.head(MOST_PLACES).iterrows():
        rows = lost[lost["node"] == node]
        step = words.value("missed_step", place["missed_step"]).replace(" / ", " | ")
        path = words.value("tree_segment", rows["tree_segment"].iloc[0]) if several[node] else ""
        key = "sheet.lost_about_path" if path else "sheet.lost_about"
        told = words.text(key, step=place["missed_step"], n_lost=place["n_lost"], path=path)
        told = join_sentences(told, place["n_not_asked"] >= 0.5 and words.text("sheet.lost_first"))
        columns = [c for c in _LOST if c in rows and (c != "loss_reason" or rows[c].notna().any())]
        sheets.append(Sheet(
            words.text("sheet.lost", step=step), told, rows, columns, "leads",
            {"closed_at": words.text("sheet.lost_on")}, "tables/leads.csv", MOST_LEADS, "losses",
            is_part=True,
        ))  # fmt: skip
    return sheets


def tell_left(source: Source, words: Words) -> list[str]:
    """Which managers and places have no sheet of their own, as there are too many."""
    managers = len(_count_managers(source.tables["open_leads"])) - MOST_MANAGERS
    places = len(_count_places(source)) - MOST_PLACES
    title = title_table("open_leads", words)
    told = [
        words.text("sheet.managers_left", n=managers, title=title) if managers > 0 else "",
        words.text("sheet.lost_left", n=places, file="tables/leads.csv") if places > 0 else "",
    ]
    return [*filter(None, told)]


def _count_managers(open_leads: pd.DataFrame) -> pd.Series:
    """How many open leads each manager has, most first; nobody where there is one at most."""
    known = open_leads["manager"].astype(object).fillna("")
    counts = known[known != ""].value_counts(sort=False).sort_index()
    counts = counts.sort_values(ascending=False, kind="stable")
    return counts if len(counts) > 1 else counts[:0]


def _count_places(source: Source) -> pd.DataFrame:
    """The places at which anybody is lost, by node, where most are lost first."""
    losses = source.take_all("losses")[0].groupby("node")
    places = losses.agg({"missed_step": "first", "n_lost": "sum", "n_not_asked": "sum"})
    places = places[places["n_lost"] >= 0.5]
    return places.sort_values("n_lost", ascending=False, kind="stable")


def _add_acts(source: Source, words: Words) -> pd.DataFrame:
    """The table of open leads, with the day of the last contact, and what to do."""
    table = source.tables["open_leads"]
    micros = np.round(table["days_silent"].to_numpy(float) * 86_400) * 1_000_000
    known = ~np.isnan(micros)
    until = source.journeys.observed_until.value // 1_000
    at = np.where(known, until - np.where(known, micros, 0), 0).astype("int64")
    last = pd.Series(at.astype("datetime64[us]"), table.index).where(known).dt.tz_localize("UTC")
    why = ["next_step", "asked", "doubt"]
    cases = table[why].drop_duplicates().dropna(ignore_index=True)
    cases["to_do"] = [
        words.text(_TO_ASK.get(doubt) or _TO_DO[asked], step=step)
        for step, asked, doubt in cases.itertuples(index=False)
    ]
    return table.assign(last_contact=last).merge(cases, "left", why)

"""One planted log as the deals, stages and acts of a CRM, for writing it in every CRM's own form.

Each CRM's test writes the same deals as that CRM exports them and reads them back; what comes out
must be the log that the plain tables of the same deals give (`read_plainly`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import EventLog
from funnel_lib.datasets.planted import plant_log
from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms.kinds import recognise
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import read_table

SHARED = Path(__file__).resolve().parents[2] / "shared" / "crm"
UNTIL = "2026-06-30"

# What clients and managers do, in the words every CRM's reader uses.
CLIENT = ("form_sent", "incoming_call", "incoming_mail")
MANAGER = ("outgoing_call", "outgoing_mail", "meeting_held")
LEAD_FACTS = [
    "lead_id", "created_at", "status", "closed_at", "amount", "currency", "manager", "source",
    "loss_reason", "account_id", "stage", "pipeline",
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """Deals of one pipeline whose ends are `won` and `lost`; times are UTC, to the second.

    Attributes
    ----------
    deals : `LEAD_FACTS`; ids are numbers
    moves : lead_id, at, stage, old_stage, outcome (won, lost, open); the first is at creation
    acts : lead_id, at, action (`CLIENT`, `MANAGER`), actor, duration (seconds, of calls)
    """

    deals: pd.DataFrame
    moves: pd.DataFrame
    acts: pd.DataFrame


def make_world(n: int = 60, seed: int = 1, *, won: str, lost: str, first: str = "Новая") -> World:
    """Plant deals with the names a CRM gives its two ends and its first stage."""
    planted = plant_log("kettles", n, seed=seed)
    events = planted.events.assign(lead_id=planted.events["lead_id"].str[1:].astype(int) + 1000)
    deals = planted.leads.assign(lead_id=planted.leads["lead_id"].str[1:].astype(int) + 1000)
    events["at"] = pd.to_datetime(events["at"], utc=True).dt.floor("s")
    for column in ("created_at", "closed_at"):
        deals[column] = pd.to_datetime(deals[column], utc=True).dt.floor("s")
    moves = _moves(events, deals, won, lost, first)
    last = moves.groupby("lead_id")["stage"].last()
    facts = {"stage": deals["lead_id"].map(last), "pipeline": "Продажи"}
    deals = deals.assign(**facts, amount=deals["amount"].astype(float))[LEAD_FACTS]
    return World(deals.astype({"lead_id": str}), moves.astype({"lead_id": str}), _acts(events))


def read_plainly(world: World, folder: Path, *, moves: bool = True, acts: bool = True) -> EventLog:
    """Write the deals as plain tables of events and leads, and read these."""
    parts = [world.deals.assign(action="deal_created", at=world.deals["created_at"], actor=None)]
    if moves:
        parts.append(world.moves.assign(action="stage: " + world.moves["stage"], actor=None))
    if acts:
        parts.append(world.acts)
    events = pd.concat(parts)[["lead_id", "at", "action", "actor"]]
    folder.mkdir(parents=True, exist_ok=True)
    events.to_csv(folder / "events.csv", index=False)
    world.deals.to_csv(folder / "leads.csv", index=False)
    return read_export(
        [folder / "events.csv"], folder / "leads.csv", crm="plain", observed_until="2026-06-30"
    )


def assert_same(log: EventLog, plain: EventLog, but: tuple[str, ...] = ()) -> None:
    """The same events (but for who made a deal or moved it) and facts of the leads (but `but`)."""
    columns = ["lead_id", "at", "action"]
    ours, theirs = (x.events[columns].astype({"lead_id": "str", "action": "str"}).sort_values(
        columns, ignore_index=True) for x in (log, plain))  # fmt: skip
    pd.testing.assert_frame_equal(ours, theirs)
    act = [x.events[~x.events["action"].astype("str").str.match("stage: |deal_created")]
           for x in (log, plain)]  # fmt: skip
    keyed = [x[[*columns, "actor"]].astype(dict.fromkeys(("lead_id", "action", "actor"), "str"))
             .sort_values(columns, ignore_index=True) for x in act]  # fmt: skip
    pd.testing.assert_frame_equal(*keyed)
    facts = [c for c in LEAD_FACTS if c not in but]
    pd.testing.assert_frame_equal(
        log.leads[facts], plain.leads[facts], check_dtype=False, check_like=False
    )


def _moves(events, deals, won, lost, first) -> pd.DataFrame:
    begins = pd.DataFrame({"lead_id": deals["lead_id"], "at": deals["created_at"], "stage": first})
    steps = events[events["action"].str.startswith("stage: ")]
    steps = steps.assign(stage=steps["action"].str.removeprefix("stage: "))
    closed = deals.set_index("lead_id")["closed_at"]
    until = steps["lead_id"].map(closed)
    steps = steps[~(steps["at"] >= until) & (steps["at"] > steps["lead_id"].map(
        deals.set_index("lead_id")["created_at"]))]  # fmt: skip
    ends = deals[deals["status"] != "open"]
    ends = pd.DataFrame({"lead_id": ends["lead_id"], "at": ends["closed_at"],
                         "stage": np.where(ends["status"] == "won", won, lost)})  # fmt: skip
    moves = pd.concat([begins, steps[["lead_id", "at", "stage"]], ends])
    moves = moves.sort_values(["lead_id", "at"], kind="stable")
    moves = moves.drop_duplicates(["lead_id", "at"], keep="last")
    again = moves["stage"] == moves.groupby("lead_id")["stage"].shift()
    moves = moves[~again].reset_index(drop=True)
    outcome = moves["stage"].map({won: "won", lost: "lost"}).fillna("open")
    old = moves.groupby("lead_id")["stage"].shift()
    return moves.assign(outcome=outcome, old_stage=old)


def _acts(events: pd.DataFrame) -> pd.DataFrame:
    acts = events[~events["action"].str.startswith(("stage: ", "deal_lost"))].reset_index(drop=True)
    acts = acts[acts["actor"].isin(["client", "manager"])].reset_index(drop=True)
    names = pd.factorize(acts["action"])[0]
    client = acts["actor"].eq("client")
    of_client, of_manager = np.array(CLIENT)[names % 3], np.array(MANAGER)[names % 3]
    acts["action"] = np.where(client, of_client, of_manager)
    calls = acts["action"].str.endswith("_call")
    acts["duration"] = pd.Series(20 + names * 7, dtype="Int64").where(calls)
    acts = acts.drop_duplicates(["lead_id", "at", "action"])
    return acts[["lead_id", "at", "action", "actor", "duration"]].astype({"lead_id": str})


def read(folder: Path, **tables: str) -> EventLog:
    """Write texts as CSV files, indented as they may be, and read them."""
    for name, text in tables.items():
        lines = [line.strip() for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    return read_export([folder], observed_until=UNTIL)


def told(log: EventLog, *columns: str) -> list[list]:
    """Lead, action and further columns of each event; None where missing."""
    rows = log.events[["lead_id", "action", *columns]].astype(object)
    return rows.where(rows.notna(), None).values.tolist()


def assert_told_apart(crm: str) -> None:
    """Of all shared examples those of one CRM, and no others, must be taken for it."""
    if not SHARED.exists():
        pytest.skip("../shared is not there")
    every = tuple(k for m in CRMS.values() for k in m.KINDS)
    for path in SHARED.rglob("*"):
        if path.suffix in (".csv", ".json") and not path.name.startswith("columns"):
            found = {f.kind.crm for f in recognise(read_table(path), every)}
            assert (crm in found) == (path.parent.name == crm), path
            assert len(found) <= 1, path

"""The CRM's pipeline beside the client's steps: the same deals, two stories."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, STAGE_PREFIX, STATUSES, EventLog, build_log
from funnel_lib.core.journeys import Journeys, build_journeys, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.core.tables import arrange, list_columns
from funnel_lib.core.tallies import tally
from funnel_lib.core.times import DAY, NEVER, last_at, to_micros
from funnel_lib.counting.checks import find_bulk_edits
from funnel_lib.counting.moves import (
    PIPELINE_MARK,
    find_last_stage,
    find_stage_step,
    list_moves,
)
from funnel_lib.counting.reach import RULES, count_funnel, measure_depth
from funnel_lib.sections.stages.ends import find_end, find_order
from funnel_lib.sections.stages.names import audit_stages
from funnel_lib.stats.intervals import divide, wilson

FEWEST_RENAMED = 5  # deals of a stage that may be another one's old or new name
LATE_DAYS = 30  # after the client's last step: a deal closed or standing so long is noted


def count_pipeline(log: EventLog, journeys: Journeys, within: str | None = None) -> pd.DataFrame:
    """How many of the deals with a stage history came to each stage, and to each client step? The
    table `pipeline`.

    Without any history the story of the stages is a ``snapshot``: a deal stands at its current
    stage and is taken to have come to those that mean earlier steps; stages of which the steps file
    tells no step are left out. Empty where there are no stages either, or their order is not known
    (see `ends.find_order`). A lost end (see `ends.find_end`) is no stage on the way to the sale:
    it is left out; several won ends are one, the last.
    """
    moves, name = list_moves(log, journeys), "stages"
    known = np.isin(np.arange(len(journeys.leads)), moves["lead"])
    moves = _take_ends(moves, log, journeys.steps)
    order = find_order(moves, log)
    moves = moves[moves["stage"].isin(order)]
    if not known.any():
        moves, order = _take_snapshot(log, journeys)
        name = "snapshot"
        known = np.isin(np.arange(len(journeys.leads)), moves["lead"])
    if moves.empty:
        return arrange("pipeline")
    both = select_leads(journeys, known & journeys.leads["entered_at"].notna().to_numpy())
    staged = build_journeys(_list_moved(log, journeys, moves), _write_stages(order, journeys.steps))
    index = pd.Index(both.leads["lead_id"])
    staged = select_leads(staged, staged.leads["lead_id"].isin(index).to_numpy())
    parts = [
        count_funnel(story, rule, within).assign(story=told, rule=rule)
        for told, story in ((name, staged), ("steps", both))
        for rule in RULES
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[table["part"] == "before_sale"].reset_index(drop=True)
    return arrange("pipeline", table[list_columns("pipeline")])


def _take_ends(moves: pd.DataFrame, log: EventLog, steps: Steps) -> pd.DataFrame:
    """Moves without those to a lost end, and with one name for all won ends, which none passes on
    the way to another."""
    counts = moves["stage"].value_counts()
    ends = {stage: find_end(stage, log, steps) for stage in counts.index}
    won = sorted((s for s in ends if ends[s] == "won"), key=lambda s: (-counts[s], s))
    one = dict.fromkeys(won, ", ".join(won))
    kept = moves[moves["stage"].map(ends) != "lost"]
    kept = kept.assign(stage=kept["stage"].map(lambda s: one.get(s, s)))
    by_lead = kept.groupby("lead")["stage"]
    kept = kept[kept["stage"] != by_lead.shift()]
    return kept.assign(place=kept.groupby("lead").cumcount())


def _take_snapshot(log: EventLog, journeys: Journeys) -> tuple[pd.DataFrame, list[str]]:
    """Current stages as moves at the deal's entry, and their order by the steps they mean."""
    stage = find_last_stage(log, journeys)
    codes = {step_id: n for n, step_id in enumerate(journeys.steps.ids)}
    place = {name: codes.get(find_stage_step(journeys.steps, name)) for name in stage.unique()}
    order = sorted((n for n in place if place[n] is not None), key=lambda n: (place[n], n))
    lead = np.flatnonzero(stage.isin(order) & journeys.leads["entered_at"].notna())
    at = to_micros(journeys.leads["entered_at"])[lead]
    here = {"lead": lead, "at": at, "stage": stage.iloc[lead].to_numpy(object), "actor": "manager"}
    return pd.DataFrame(here), order


def _list_moved(log: EventLog, journeys: Journeys, moves: pd.DataFrame) -> EventLog:
    """The log with its moves as they were listed, and the statuses that the client's steps told."""
    told = journeys.leads.set_index("lead_id")[["status", "closed_at"]]
    ids = log.leads["lead_id"].astype("str")
    leads = log.leads.assign(**{c: ids.map(told[c]).array for c in told})
    is_move = log.events["action"].astype("str").str.startswith(STAGE_PREFIX)
    moved = pd.DataFrame({
        "lead_id": journeys.leads["lead_id"].array.take(moves["lead"]),
        "at": pd.to_datetime(moves["at"], unit="us", utc=True),
        "action": STAGE_PREFIX + moves["stage"].astype("str"), "actor": moves["actor"],
    })  # fmt: skip
    events = pd.concat([log.events[~is_move].astype({"lead_id": "str", "action": "str"}), moved])
    return build_log(events, leads, log.observed_until)


def _write_stages(order: list[str], steps: Steps) -> Steps:
    """Stages as steps in their order, the sale of the client's steps last."""
    stages, sale = [s for s in order if s != steps.won], steps[steps.won]
    rows = [{"id": s, "evidence": [f"{STAGE_PREFIX}{_escape(s)}"]} for s in stages]
    return Steps(steps=[*rows, sale.model_dump()], won=steps.won)


def _escape(name: str) -> str:
    """Write a stage's name so that it is no glob."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def list_stages(
    log: EventLog, journeys: Journeys, leads: pd.DataFrame, lang: str = "en"
) -> pd.DataFrame:
    """Whose actions do the CRM's stages describe, and how many deals stand at each? The table
    `stages`; `leads` is what `list_leads` returns, `lang` the language of the usual evidence.
    """
    steps = journeys.steps
    standing = leads["stage"].replace("", None).dropna()
    moves = list_moves(log, journeys)
    known = [*find_order(moves, log), *sorted({*moves["stage"], *standing})]
    plain = {name.rpartition(PIPELINE_MARK)[2] for name in known}
    names = list(dict.fromkeys([*known, *(s for s in steps.stages if s not in plain)]))
    audit = audit_stages([name.rpartition(PIPELINE_MARK)[2] for name in names], lang)
    audit = audit.set_index("stage")
    own = {s.id: ", ".join(e.action for e in s.evidence) for s in steps.steps}
    counts, rows = standing.value_counts(), []
    for name in names:
        told, usual = find_stage_step(steps, name), audit.loc[name.rpartition(PIPELINE_MARK)[2]]
        rows.append({
            "stage": name, "kind": usual["kind"], "step": told or usual["step"] or None,
            "evidence": own.get(told) or usual["evidence"], "n_deals": counts.get(name, 0),
        })  # fmt: skip
    texts = dict.fromkeys(("stage", "kind", "step", "evidence"), "str")
    return arrange("stages", rows).astype(texts | {"n_deals": int})


def find_renamed(moves: pd.DataFrame) -> pd.DataFrame:
    """Which stages may be one, renamed: the first is never entered again once the second is? The
    table `stage_renames`, from what `list_moves` returns: neighbours with `FEWEST_RENAMED` deals or
    more each that no deal came to both of.
    """
    ends = moves.groupby("stage").agg(
        first=("at", "min"), last=("at", "max"), n=("lead", "nunique"), place=("place", "mean")
    )
    ends = ends[ends["n"] >= FEWEST_RENAMED]
    pairs = ends.reset_index().merge(ends.reset_index(), how="cross", suffixes=("", "_to"))
    near = (pairs["place"] - pairs["place_to"]).abs() < 1
    pairs = pairs[(pairs["last"] < pairs["first_to"]) & near]
    came = moves.loc[moves["stage"].isin([*pairs["stage"], *pairs["stage_to"]]), ["lead", "stage"]]
    came = came.drop_duplicates()  # a deal may move without end
    both = came.merge(came, on="lead", suffixes=("", "_to"))
    met = set(zip(both["stage"], both["stage_to"], strict=True))
    kept = [pair for pair in zip(pairs["stage"], pairs["stage_to"], strict=True) if pair not in met]
    rows = [{"stage": stage, "renamed_to": later} for stage, later in kept]
    return arrange("stage_renames", rows).astype("str")


def count_stage_by_step(leads: pd.DataFrame) -> pd.DataFrame:
    """Which client step is missing of the deals lost or standing at each stage? The table
    `stage_by_step`, from what `list_leads` returns.
    """
    rows = leads[leads["status"].isin(["lost", "open"])].dropna(subset=["stage", "missed_step"])
    rows = rows[rows["stage"] != ""]
    counts = rows.assign(n_lost=rows["status"] == "lost", n_open=rows["status"] == "open")
    counts = counts.groupby(["stage", "missed_step"])[["n_lost", "n_open"]].sum().reset_index()
    size = counts.groupby("stage")[["n_lost", "n_open"]].transform("sum").sum(axis=1)
    order = counts.assign(size=-size).sort_values(["size", "stage", "missed_step"]).index
    return arrange("stage_by_step", counts.loc[order].reset_index(drop=True))


def count_reasons(leads: pd.DataFrame) -> pd.DataFrame:
    """Which step is missing of the deals lost for each reason that the CRM names? The table
    `loss_reasons`, from what `list_leads` returns.
    """
    rows = leads[leads["status"] == "lost"].dropna(subset=["loss_reason", "missed_step"])
    counts = rows.groupby(["loss_reason", "missed_step"]).size().reset_index(name="n_lost")
    size = counts.groupby("loss_reason")["n_lost"].transform("sum")
    order = counts.assign(size=-size).sort_values(["size", "loss_reason", "missed_step"]).index
    return arrange("loss_reasons", counts.loc[order].reset_index(drop=True))


def check_pipeline(log: EventLog, journeys: Journeys, leads: pd.DataFrame) -> pd.DataFrame:
    """How honest is the pipeline: where does it say other than the client did? The table
    `pipeline_checks`; `leads` is what `list_leads` returns.
    """
    counted, steps = tally(journeys), np.arange(len(journeys.steps.before_sale))
    last_step = measure_depth(counted, steps)[counted.of_lead] - 1
    entered = journeys.leads["entered_at"].notna().to_numpy()
    moves = list_moves(log, journeys)
    _, lost, open_ = (entered & (leads["status"] == s).to_numpy() for s in STATUSES)
    codes = {step_id: n for n, step_id in enumerate(journeys.steps.ids)}
    means = {s: find_stage_step(journeys.steps, s) for s in leads["stage"].dropna().unique()}
    shown = pd.to_numeric(leads["stage"].map({s: codes.get(step) for s, step in means.items()}))
    shown = shown.to_numpy(float, na_value=np.nan)
    mapped = (lost | open_) & ~np.isnan(shown)
    last = last_at(journeys.lead, journeys.at, len(leads))
    closed = to_micros(journeys.leads["closed_at"])
    lost &= closed < NEVER
    now = journeys.observed_until.value // 1000
    late = np.where(lost, closed, now) - np.where(entered, last, now) >= LATE_DAYS * DAY
    rows = [
        ("stage_ahead", shown > last_step, mapped),
        ("client_ahead", shown < last_step, mapped),
        *_check_moves(moves, entered, log, journeys.steps),
        ("closed_late", late, lost),
        ("standing_still", late, open_),
    ]
    return _tally(rows, leads["lead_id"])


def _check_moves(moves: pd.DataFrame, entered: np.ndarray, log: EventLog, steps: Steps):
    """List what the stage history shows of each deal: check, whether it is so, whether asked.

    A lost end is no place in the order of stages.
    """
    ranked = _take_ends(moves, log, steps)
    rank = {stage: n for n, stage in enumerate(find_order(ranked, log))}
    place = ranked["stage"].map(rank).astype("float64")
    step = (place - place.groupby(ranked["lead"]).shift()).reindex(moves.index)
    stage = pd.factorize(moves["stage"])[0]
    in_bulk = find_bulk_edits(moves["at"].to_numpy(), stage, moves["lead"].to_numpy())
    asked = np.isin(np.arange(len(entered)), moves["lead"]) & entered
    for name, which in (
        ("stage_skipped", step > 1),
        ("moved_back", step < 0),
        ("moved_in_bulk", in_bulk),
        ("moved_by_automation", moves["actor"] == ACTORS[2]),
    ):
        yield name, np.isin(np.arange(len(entered)), moves.loc[which, "lead"]), asked


def _tally(rows, lead_ids: pd.Series) -> pd.DataFrame:
    """Count each check among those it could be asked of."""
    table = pd.DataFrame([
        {"check": name, "n_deals": (so & base).sum(), "n_base": base.sum(),
         "example": ", ".join(lead_ids[so & base].astype("str").head(3))}
        for name, so, base in rows
    ])  # fmt: skip
    share = divide(table["n_deals"], table["n_base"])
    low, high = wilson(share, table["n_base"])
    return arrange("pipeline_checks", table.assign(share=share, low=low, high=high))

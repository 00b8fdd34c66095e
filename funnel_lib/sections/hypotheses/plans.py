"""The user's own file of hypotheses: proposed, running, read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import yaml
from pydantic import PositiveInt

from funnel_lib.core.checked import Checked, Place, read_checked
from funnel_lib.core.errors import InputError, Problems, suggest
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.times import NEVER, read_window
from funnel_lib.core.words import Words
from funnel_lib.counting.values import read_day
from funnel_lib.sections.hypotheses.readings import read_split
from funnel_lib.sections.hypotheses.tell import list_beyond

MOST = 5  # hypotheses worth a plan
_HEAD = (
    "# Hypotheses of funnel_lib: proposed, running, read. Yours to edit; comments are not kept.\n"
)


class Look(Checked):
    """One reading of a test, of the day of its export; the interval is valid at that look."""

    on: date
    n_test: int
    n_control: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    early: bool = False


class Plan(Checked):
    """One hypothesis, from the proposal to what came of it; `segment`, `step` as in their table.

    A test is read of leads of `path` only, for ids of segments may change. `test` and `control`
    are the values of the leads' `column` that tell the halves apart; evidence counts `within` so
    long after entry, such as 60D: equal time for both halves.
    """

    id: str
    segment: str
    step: str
    path: tuple[str, ...]
    status: Literal["proposed", "running", "read"] = "proposed"
    change: str = ""
    reference: str = ""
    share_now: float | None = None
    share_reference: float | None = None
    leads_per_half: PositiveInt | None = None
    days: int | None = None
    column: str = ""
    test: str = ""
    control: str = ""
    since: date | None = None
    within: str = ""
    looks: tuple[Look, ...] = ()


class Plans(Checked):
    """The file: hypotheses in the order they were proposed."""

    version: Literal[1] = 1
    hypotheses: tuple[Plan, ...] = ()


def read_plans(path: str | Path) -> Plans:
    """Read the file of hypotheses; none yet is an empty one.

    An InputError holds every problem at once, with line numbers: unknown keys or states, an id used
    twice, a running test without its halves or first day.
    """
    if not Path(path).exists() or not Path(path).read_bytes().strip():
        return Plans()
    return read_checked(path, Plans, "a file of hypotheses", check=_find_problems)


def write_plans(plans: Plans, path: str | Path) -> None:
    """Write the file of hypotheses; `read_plans` reads back the same."""
    rows = [
        {"id": plan.id, "status": plan.status} | plan.model_dump(mode="json", exclude_defaults=True)
        for plan in plans.hypotheses
    ]
    content = {"version": 1, "hypotheses": rows}
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(_HEAD + text, encoding="utf-8")


def propose_plans(
    plans: Plans, hypotheses: pd.DataFrame, segmentation: Segmentation, words: Words
) -> Plans:
    """Add the steps with most at stake to the hypotheses there are; these stay as they are.

    Only steps whose gain is beyond chance. What is to be changed is both levers, the larger first.
    """
    known = {plan.id for plan in plans.hypotheses}
    steps = list_beyond(hypotheses).groupby(["segment", "step"], sort=False)
    new = []
    for (segment, step), rows in [*steps][:MOST]:
        name, first = f"{segment}/{step}", rows.iloc[0]
        if name in known:
            continue
        levers = rows.groupby("lever")["extra_won"].sum().sort_values(ascending=False)
        new.append(Plan(
            id=name, segment=segment, step=step, path=_find_path(segmentation, segment),
            change="; ".join(words.advise(lever, step) for lever in levers.index),
            reference=first["reference"], share_now=round(first["share_now"], 4),
            share_reference=round(first["share_reference"], 4),
            leads_per_half=_whole(first["n_needed_per_arm"]), days=_whole(first["days_needed"]),
        ))  # fmt: skip
    return plans.model_copy(update={"hypotheses": (*plans.hypotheses, *new)})


def start_plan(
    plans: Plans, plan_id: str, column: str, test: str, control: str, since: str, within: str
) -> Plans:
    """Set a proposed hypothesis running: what tells its halves apart, since when, for how long.

    Raises InputError where there is no such hypothesis, it was started before, or something lacks.
    """
    plan, problems = _find(plans, plan_id), Problems()
    told = {"column": str(column), "test": str(test), "control": str(control)}
    if plan.status != "proposed":
        problems.add(f"hypothesis {plan_id} is {plan.status} already")
    for name, value in told.items():
        if value == "":
            problems.add(f"hypothesis {plan_id}: say which {name} tells its halves apart")
    if told["test"] == told["control"] != "":
        problems.add(f"hypothesis {plan_id}: test and control are both {told['test']!r}")
    if plan.leads_per_half is None:
        problems.add(f"hypothesis {plan_id}: write into the file how many leads_per_half it needs")
    with problems.collecting():
        if read_window(within) == NEVER:
            problems.add(
                f"hypothesis {plan_id}: both halves need equal time; give within, e.g. 60D"
            )
    first = None
    with problems.collecting():
        first = read_day(since, "since")
    problems.raise_if_any()
    return _replace(plans, plan, status="running", since=first.date(), within=within, **told)


def look_at_plan(
    plans: Plans, plan_id: str, journeys: Journeys, segmentation: Segmentation
) -> tuple[pd.DataFrame, Plans]:
    """Read a running test, and note the look; it is read once it has its leads.

    Of the leads that entered since the test began. Whoever looked before, early or after the end,
    gets the interval that allows for that. Gives the reading, and the plans with this look.
    Raises InputError where there is no such hypothesis, it is not running, or its segment is not
    there, or walks another path now.
    """
    plan = _find(plans, plan_id)
    if plan.status == "proposed":
        raise InputError([f"hypothesis {plan_id} was not started: nothing to read yet"])
    if unknown := {*plan.segment.split("+")} - {"all", *segmentation.ids}:
        raise InputError([
            f"hypothesis {plan_id}: no segment {min(unknown)!r}; there are "
            f"{', '.join(segmentation.ids)}. Use the segments it was proposed for (segments.json "
            "of that audit)"
        ])  # fmt: skip
    if _find_path(segmentation, plan.segment) != plan.path:
        raise InputError([
            f"hypothesis {plan_id}: segment {plan.segment} walks another path here than when it "
            "was proposed. Use the segments of then (segments.json of that audit)"
        ])  # fmt: skip
    today = journeys.observed_until.date()
    reading = read_split(
        journeys, plan.column, plan.test, plan.control, step=plan.step,
        segmentation=segmentation, segment=plan.segment,
        since=str(plan.since), within=plan.within, n_planned=plan.leads_per_half,
        looked_before=any(look.on != today for look in plan.looks),
    )  # fmt: skip
    row = reading.iloc[0]
    look = Look(
        on=today, n_test=round(row["n_test"]),
        n_control=round(row["n_control"]), difference=_known(row["difference"]),
        low=_known(row["valid_low"]), high=_known(row["valid_high"]), early=bool(row["is_early"]),
    )  # fmt: skip
    looks = (*(x for x in plan.looks if x.on != look.on), look)
    status = "running" if look.early else "read"
    return reading, _replace(plans, plan, status=status, looks=looks)


def list_plans(plans: Plans) -> pd.DataFrame:
    """List the hypotheses: the table `plans`."""
    rows = []
    for plan in plans.hypotheses:
        last = plan.looks[-1] if plan.looks else Look(on=date.min, n_test=0, n_control=0)
        rows.append({
            "id": plan.id, "segment": plan.segment, "step": plan.step, "state": plan.status,
            "since": "" if plan.since is None else plan.since.isoformat(),
            "leads_per_half": plan.leads_per_half, "days": plan.days, "n_looks": len(plan.looks),
            "difference": last.difference, "low": last.low, "high": last.high,
        })  # fmt: skip
    numbers = ("leads_per_half", "days", "difference", "low", "high")
    return arrange("plans", rows).astype(dict.fromkeys(numbers, "float64"))


def _find_problems(plans: Plans) -> list[tuple[Place, str]]:
    found: list[tuple[Place, str]] = []
    ids = [plan.id for plan in plans.hypotheses]
    for n, plan in enumerate(plans.hypotheses):
        if plan.id in ids[:n]:
            found.append((("hypotheses", n, "id"), f"the id {plan.id!r} is used twice"))
        needed = ("column", "test", "control", "since", "within", "leads_per_half")
        missing = [name for name in needed if not getattr(plan, name)]
        if plan.status != "proposed" and missing:
            what = f"{plan.id} is {plan.status}, but {', '.join(missing)} is not told"
            found.append((("hypotheses", n), what))
    return found


def _find_path(segmentation: Segmentation, segment: str) -> tuple[str, ...]:
    """The path of one segment; of several, or all, none."""
    paths = dict(zip(segmentation.ids, segmentation.paths, strict=True))
    return paths.get(segment, ()) if len(paths) > 1 else ()


def _find(plans: Plans, plan_id: str) -> Plan:
    ids = [plan.id for plan in plans.hypotheses]
    if plan_id not in ids:
        near = suggest(plan_id, ids) or f"; there are: {', '.join(ids) or 'none'}"
        raise InputError([f"no hypothesis {plan_id!r}{near}"])
    return plans.hypotheses[ids.index(plan_id)]


def _replace(plans: Plans, plan: Plan, **changes) -> Plans:
    changed = [p.model_copy(update=changes) if p is plan else p for p in plans.hypotheses]
    return plans.model_copy(update={"hypotheses": tuple(changed)})


def _whole(x: float) -> int | None:
    return None if pd.isna(x) else int(np.ceil(x))


def _known(x: float) -> float | None:
    return None if pd.isna(x) else round(float(x), 6)

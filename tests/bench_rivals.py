"""One contestant of `bench_scale` in a process of its own: ours, DuckDB, pandas or polars.

``python bench_rivals.py NAME TASK.json STARTED STAGE...`` answers the same questions of the same
Parquet file in order, and prints what each took and the numbers that all contestants must agree on.
Each is written as its users would write it well. DuckDB is asked twice: from the file each time,
and from a table of leads that it keeps; pandas and polars keep what they have read, as we do.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

SEGMENTS = 5
WINDOW_DAYS = 30
BY_DAY = 30  # the incidence by this day, and by the last one, are compared
DAY = 86_400_000_000  # microseconds
Numbers = Iterable[float]


class Watch:
    """What each stage of this process took, and what it found."""

    def __init__(self):
        self.took: dict[str, tuple[float, float, float]] = {}
        self.told: dict[str, list[float]] = {}

    def start(self, job: Callable[[], None], started: float) -> None:
        """Run the imports; all since the process was started counts."""
        job()
        self.took["start"] = spent(), time.perf_counter() - started, peak()

    def run(self, stage: str, job: Callable[[], Any]) -> None:
        """Run a stage: processor seconds, wall seconds, largest memory of the process in MiB (that
        of its workers is not in it).

        A job returns the numbers that all contestants must agree on, or a function that takes them
        out of what was counted, which is not measured; or None.
        """
        forget_peak()
        before, since = spent(), time.perf_counter()
        found = job()
        wall = time.perf_counter() - since
        self.took[stage] = spent() - before, wall, peak()
        numbers = found() if callable(found) else found
        if numbers is not None:
            self.told[stage] = [float(n) for n in numbers]


def spent() -> float:
    """Processor seconds of this process and of those that it has ended."""
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def forget_peak() -> None:
    """Let the largest memory be that from now on, where the system can do so."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak() -> float:
    """Largest memory since it was last forgotten, MiB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Ours


class Ours:
    """The public functions of the library."""

    def __init__(self, task: dict):
        self.task = task

    def start(self) -> None:
        """Import as an audit needs it: `import funnel_lib` alone imports nothing else."""
        import matplotlib.figure  # noqa: F401
        import statsmodels.stats.proportion  # noqa: F401

        import funnel_lib as fl
        import funnel_lib.audit
        import funnel_lib.reporting.outputs
        import funnel_lib.sections.paths.segments

        self.fl, self.count = fl, fl.count
        _ = [getattr(fl.count, name) for name in ("count_funnel", "count_losses", "count_times")]

    def read(self) -> None:
        """The checked log."""
        self.log = self.fl.read_export(self.task["events"])

    def pack(self) -> None:
        """Each lead's steps."""
        self.journeys = self.fl.build_journeys(self.log, self.fl.read_steps(self.task["steps"]))

    def variants(self) -> Numbers:
        """How many leads walked each way?"""
        from funnel_lib.counting.variants import count_variants

        self.walks = count_variants(self.journeys)
        return [len(self.walks.weight)]

    def funnel(self, **how: Any) -> Numbers:
        """Who reached which step, with intervals?"""
        return self.count.count_funnel(self.journeys, **how)["n_reached"]

    def any(self) -> Numbers:
        """The same by the rule ``any``."""
        return self.funnel(rule="any")

    def ordered(self) -> Numbers:
        """The same by the rule ``ordered``."""
        return self.funnel(rule="ordered")

    def window(self) -> Numbers:
        """The same of what came so soon."""
        return self.funnel(within=f"{WINDOW_DAYS}D")

    def prepare(self) -> None:
        """The made-up memberships of each variant, (n_variants + 1, n_segments); the last are
        zeros, for leads that never entered."""
        import numpy as np
        import pandas as pd

        table, ids = (
            pd.read_parquet(self.task["memberships"]).set_index("variant"),
            self.task["ids"],
        )
        names = [">".join(ids[code] for code in row if code >= 0) for row in self.walks.rows]
        self.of_variant = np.vstack([table.loc[names].to_numpy(), np.zeros(SEGMENTS)])

    def segments(self) -> Numbers:
        """The funnels of the made-up segments, each along a path of its own."""
        member, paths = self.of_variant[self.walks.of_lead], enumerate(self.task["paths"])
        self.groups = [self.fl.Group(f"s{k + 1}", tuple(p), (), member, k) for k, p in paths]
        funnels = [self.count.count_funnel(self.journeys, group=group) for group in self.groups]
        return [n for funnel in funnels for n in funnel["n_reached"]]

    def losses(self) -> Callable[[], Numbers]:
        """Which step is not taken, and was it asked for?"""
        table = self.count.count_losses(self.journeys)
        sums = table.groupby("missed_step", sort=False)[["n_lost", "n_asked"]]
        return lambda: sums.sum().to_numpy().T.ravel()

    def times(self) -> Callable[[], Numbers]:
        """By which day has which share come to each step and to the outcome?"""
        table = self.count.count_times(self.journeys)
        return lambda: read_curves(table)

    def segment_times(self) -> Callable[[], Numbers]:
        """The same of each made-up segment."""
        tables = [self.count.count_times(self.journeys, group) for group in self.groups]
        return lambda: [x for t in tables for x in read_curves(t[t["target"] == "won"])]

    def find(self) -> Callable[[], None]:
        """Which segments are there? They are kept for the audit."""
        found = self.fl.find_segments(self.journeys)
        return lambda: self.fl.write_segments(found, self.task["segments"])


def read_curves(times) -> Numbers:
    """The incidence of each target by a day, and by the last."""
    early = times[times["day"] <= BY_DAY].groupby("target", sort=False)["incidence"].last()
    return [*early, *times.groupby("target", sort=False)["incidence"].last()]


class Audit(Ours):
    """Everything in one call."""

    def tables(self, segments: str = "") -> None:
        """All tables, with segments found before, which nobody questions: no trust."""
        given = {name: self.task[name] for name in ("steps", "memory")}
        given["segments"] = segments or self.task["segments"]
        self.fl.build_audit(self.task["events"], **given).raise_if_failed()

    def audit(self) -> None:
        """The whole audit; its workers are ended, as only then their processor time is known."""
        from joblib.externals.loky import get_reusable_executor

        self.tables("auto")
        get_reusable_executor(reuse=True).shutdown(wait=True)


# DuckDB


class Duck:
    """Questions as SQL to views of the file, or to tables, of leads, with a column of each step.

    Identifiers and actions are the planted world's own, so that they need no quoting.
    """

    def __init__(self, task: dict, kept: bool = False):
        self.task, self.ids, self.sale, self.kept = task, task["ids"], task["sale"], kept
        self.entered = f"least({', '.join(self.ids)})"

    def start(self) -> None:
        """Import it, and connect."""
        import duckdb

        self.duck = duckdb.connect()

    def ask(self, sql: str) -> list[tuple]:
        """Run a query to its last row."""
        return self.duck.sql(sql).fetchall()

    def read(self) -> None:
        """Name the file, and the order of the steps."""
        rows, asks = (", ".join(f"('{action}', {i})" for action, i in pairs) for pairs in (
            [(step, i) for i, step in enumerate(self.ids)], self.task["asks"]))  # fmt: skip
        self.duck.execute(f"""
            SET TimeZone = 'UTC';
            CREATE VIEW events AS SELECT lead_id, "at" AS moment, action
                FROM read_parquet('{self.task["events"]}');
            CREATE TYPE step AS ENUM ({self.quote("ids")});
            CREATE TABLE steps AS FROM (VALUES {rows}) AS t(action, position);
            CREATE TABLE asks AS FROM (VALUES {asks}) AS t(action, position);
        """)

    def pack(self) -> None:
        """Define what is known of each lead: whether there is evidence of each step, when it first
        was, when it was lost; its variant; and when the export was made."""
        kind = "TABLE" if self.kept else "VIEW"
        has = ", ".join(f"bool_or(action = '{i}') AS {i}" for i in self.ids)
        first = ", ".join(f"min(moment) FILTER (WHERE action = '{i}') AS {i}" for i in self.ids)
        lost = f"max(moment) FILTER (WHERE action IN ({self.quote('lost')})) AS lost"
        walks = self.walk("action", "position", "JOIN steps USING (action)", has)
        seen = f"""SELECT lead_id, {has}, {lost} FROM events GROUP BY lead_id
                   HAVING {" OR ".join(self.ids)}"""
        if self.kept:
            seen = (
                f"SELECT {', '.join(f'{i} IS NOT NULL AS {i}' for i in self.ids)}, lost FROM first"
            )
        self.duck.execute(f"""
            CREATE {kind} first AS SELECT lead_id, {first}, {lost}
            FROM events GROUP BY lead_id HAVING {self.entered} IS NOT NULL;
            CREATE VIEW seen AS {seen};
            CREATE {kind} walks AS {walks};
            CREATE {kind} export AS SELECT max(moment) AS until FROM events;
        """)

    def prepare(self) -> None:
        """Load the made-up memberships."""
        self.duck.execute(f"""
            CREATE TABLE memberships AS SELECT string_split(variant, '>') AS variant,
            * EXCLUDE (variant) FROM read_parquet('{self.task["memberships"]}')
        """)

    def quote(self, name: str) -> str:
        """A list of actions in SQL."""
        return ", ".join(f"'{action}'" for action in self.task[name])

    def walk(self, action: str, order: str, join: str = "", has: str = "true AS no_more") -> str:
        """Each lead's actions in order, up to the first sale, and what more there is of it."""
        return f"""
            SELECT * EXCLUDE (walk), CASE WHEN list_contains(walk, '{self.sale}')
                THEN walk[:list_position(walk, '{self.sale}')] ELSE walk END AS variant
            FROM (SELECT lead_id, list({action} ORDER BY moment, {order}) AS walk, {has}
                  FROM events {join} WHERE action IN ({self.quote("ids")}) GROUP BY lead_id)
        """

    def variants(self) -> Numbers:
        """How many leads walked each way?"""
        return [len(self.ask("SELECT variant, count(*) FROM walks GROUP BY variant"))]

    def coded(self) -> Numbers | None:
        """The same, the actions an ENUM in the order of the steps; from the file only."""
        walks = self.walk("action::step", "action::step")
        return [len(self.ask(f"SELECT variant, count(*) FROM ({walks}) GROUP BY variant"))]

    def funnel(self) -> Numbers:
        """Who reached which step?"""
        return self.tally([f"({' OR '.join(self.ids[k:])})" for k in range(len(self.ids))])

    def any(self) -> Numbers:
        """The same by the rule ``any``."""
        return self.tally(self.ids)

    def tally(self, reached: list[str], leads: str = "seen") -> Numbers:
        """Count who reached each step, of whom nothing of it was seen, and who is still open."""
        is_open = f"lost IS NULL AND NOT {self.sale}"
        counts = [f"count(*) FILTER (WHERE {r}), count(*) FILTER (WHERE {r} AND NOT {i}), "
                  f"count(*) FILTER (WHERE {is_open} AND NOT {r})"
                  for i, r in zip(self.ids, reached, strict=True)]  # fmt: skip
        return self.ask(f"SELECT {', '.join(counts)} FROM {leads}")[0][::3]

    def window(self) -> Numbers:
        """The funnel of what came so soon after entry, of leads observed for so long."""
        end = f"{self.entered} + INTERVAL {WINDOW_DAYS} DAYS"
        soon = ", ".join(f"coalesce({i} <= until, false) AS {i}" for i in self.ids)
        leads = f"""(SELECT lost, {soon} FROM (SELECT *, {end} AS until FROM first)
                     WHERE until <= (SELECT until FROM export))"""
        return self.tally([f"({' OR '.join(self.ids[k:])})" for k in range(len(self.ids))], leads)

    def ordered(self) -> Numbers:
        """The funnel in order: of each step the first evidence at or after that of the last."""
        parts = ["""evidence AS MATERIALIZED (SELECT lead_id, moment, position FROM events
                     JOIN steps USING (action)),
                 r0 AS (SELECT lead_id, min(moment) AS came FROM evidence WHERE position = 0
                        GROUP BY lead_id)"""]  # fmt: skip
        parts += [f"""r{k} AS (SELECT lead_id, min(moment) AS came FROM evidence JOIN r{k - 1}
                      USING (lead_id) WHERE position = {k} AND moment >= came GROUP BY lead_id)"""
                  for k in range(1, len(self.ids))]  # fmt: skip
        counts = ", ".join(f"(SELECT count(*) FROM r{k})" for k in range(len(self.ids)))
        return self.ask(f"WITH {', '.join(parts)} SELECT {counts}")[0]

    def segments(self) -> Numbers:
        """The funnels of the made-up segments, with the sums of squares for their intervals."""
        paths = list(enumerate(self.task["paths"]))
        furthest = ", ".join(f"{self.place(path)} AS f{s}" for s, path in paths)
        sums = [f"sum(w{s}) FILTER (WHERE f{s} >= {k}), sum(w{s} * w{s}) FILTER (WHERE f{s} >= {k})"
                for s, path in paths for k in range(len(path))]  # fmt: skip
        return self.ask(f"""
            SELECT {", ".join(sums)} FROM (SELECT variant, {furthest} FROM walks)
            JOIN memberships USING (variant)
        """)[0][::2]

    def place(self, path: list[str], test: str = "") -> str:
        """The position of the furthest step of a path that has evidence."""
        cases = [f"WHEN {path[k]} {test} THEN {k}" for k in reversed(range(len(path)))]
        return f"(CASE {' '.join(cases)} END)"

    def losses(self) -> Numbers:
        """Of lost leads: the step after the furthest, and whether anyone asked for it since."""
        rows = self.ask(f"""
            WITH gone AS MATERIALIZED (
                SELECT lead_id, lost, {self.place(self.ids, "IS NOT NULL")} + 1 AS position,
                    coalesce({", ".join(reversed(self.ids))}) AS since
                FROM first WHERE lost IS NOT NULL AND {self.sale} IS NULL),
            asked AS (
                SELECT DISTINCT lead_id FROM events JOIN asks USING (action)
                JOIN gone USING (lead_id, position) WHERE moment BETWEEN since AND lost)
            SELECT steps.position, count(gone.lead_id), count(asked.lead_id) FROM steps
            LEFT JOIN gone USING (position) LEFT JOIN asked USING (lead_id)
            GROUP BY steps.position ORDER BY steps.position
        """)
        return [row[1] for row in rows] + [row[2] for row in rows]

    def times(self) -> Numbers:
        """By which day has which share come to each step and to the outcome?"""
        found = self.follow(["count(*)"], "FROM first, export")
        targets = [*(i for i in self.ids if i != self.sale), "won", "lost"]
        return [found[0, target][by] for by in (0, 1) for target in targets]

    def segment_times(self) -> Numbers:
        """The same of each made-up segment."""
        weights = ", ".join(f"w{k}" for k in range(SEGMENTS))
        joined = f"""SELECT first.*, {weights}, until FROM first
                     JOIN (SELECT lead_id, variant FROM walks) USING (lead_id)
                     JOIN memberships USING (variant), export"""
        found = self.follow([f"sum(w{k})" for k in range(SEGMENTS)], joined)
        return [share for k in range(SEGMENTS) for share in found[k, "won"]]

    def follow(self, sums: list[str], leads: str) -> dict[tuple[int, str], list[float]]:
        """The cumulative incidence of each target in each segment (Aalen and Johansen), as many
        segments as there are sums; by a day and by the last."""
        named = ", ".join(f"{total} AS s{k}" for k, total in enumerate(sums))
        watched = " UNION ALL ".join(f"{days}, {named} FROM leads GROUP BY ALL"
                                     for days in self.list_days())  # fmt: skip
        segments = " UNION ALL ".join(f"""
            SELECT {k} AS segment, target, day, sum(s{k}) AS n,
                coalesce(sum(s{k}) FILTER (WHERE cause = 1), 0) AS came,
                coalesce(sum(s{k}) FILTER (WHERE cause > 0), 0) AS ended
            FROM watched GROUP BY target, day""" for k in range(len(sums)))  # fmt: skip
        rows = self.ask(f"""
            WITH leads AS MATERIALIZED ({leads}),
            watched AS MATERIALIZED ({watched}),
            tally AS ({segments}),
            risk AS (SELECT *, sum(n) OVER (PARTITION BY segment, target ORDER BY day DESC)
                     AS at_risk FROM tally WHERE n > 0),
            stay AS (SELECT *, coalesce(product(1 - ended / at_risk) OVER (
                     PARTITION BY segment, target ORDER BY day
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1) AS waiting FROM risk),
            curve AS (SELECT segment, target, day, sum(waiting * came / at_risk) OVER (
                      PARTITION BY segment, target ORDER BY day) AS incidence FROM stay)
            SELECT segment, target, max(incidence) FILTER (WHERE day <= {BY_DAY}), max(incidence)
            FROM curve GROUP BY segment, target
        """)
        return {(segment, target): by for segment, target, *by in rows}

    def list_days(self) -> list[str]:
        """Of each target the days watched and the cause: 1 came, 2 something else did, 0 waits."""
        closed = f"coalesce({self.sale}, lost)"
        end, waits = f"coalesce({closed}, until)", f"WHEN {closed} IS NULL THEN 0"
        won, lost = f"{self.sale} IS NOT NULL", f"{self.sale} IS NULL"
        targets = {i: (f"least({i}, {end})", f"CASE WHEN {i} <= {end} THEN 1 {waits} ELSE 2 END")
                   for i in self.ids if i != self.sale}  # fmt: skip
        targets |= {name: (end, f"CASE {waits} WHEN {mine} THEN 1 ELSE 2 END")
                    for name, mine in (("won", won), ("lost", lost))}  # fmt: skip
        since = f"epoch_us({self.entered})"
        return [f"SELECT '{name}' AS target, {cause} AS cause, "
                f"greatest(epoch_us({till}) - {since}, 0) // {DAY} AS day"
                for name, (till, cause) in targets.items()]  # fmt: skip


class KeptDuck(Duck):
    """The same questions to tables of leads and of their variants that are made once."""

    coded = None

    def __init__(self, task: dict):
        super().__init__(task, kept=True)


# pandas


class Pandas:
    """Frames: evidence in order, and the first evidence of each lead and step."""

    def __init__(self, task: dict):
        self.task, self.ids = task, task["ids"]
        self.sale = len(self.ids) - 1

    def start(self) -> None:
        """Import it."""
        import pandas
        import pyarrow.parquet  # noqa: F401

        self.pd = pandas

    def read(self) -> None:
        """All of the file."""
        self.events = self.pd.read_parquet(self.task["events"])

    def pack(self) -> None:
        """Code leads and steps as numbers, and put the evidence in order."""
        events, action = self.events, self.events["action"]
        lead = self.pd.factorize(events["lead_id"])[0]
        rows = self.pd.DataFrame({"lead": lead, "at": events["at"]})
        self.lost = rows[action.isin(self.task["lost"])].groupby("lead")["at"].max()
        rows["step"] = action.map({step: k for k, step in enumerate(self.ids)})
        evidence = rows.dropna(subset="step").astype({"step": "int8"})
        self.evidence = evidence.sort_values(["lead", "at", "step"])
        self.until = events["at"].max()

    def variants(self) -> Numbers:
        """How many leads walked each way?"""
        sold = (self.evidence["step"] == self.sale).astype("int8")
        earlier = sold.groupby(self.evidence["lead"]).cumsum() - sold
        kept = self.evidence[earlier == 0]
        names = kept["step"].map(dict(enumerate(self.ids)))
        self.walks = names.groupby(kept["lead"]).agg(">".join)
        return [len(self.walks.value_counts())]

    def funnel(self) -> Numbers:
        """Who reached which step?"""
        first = self.evidence.groupby(["lead", "step"])["at"].min().unstack()  # noqa: PD010
        self.first = first.reindex(columns=range(len(self.ids)))
        self.entered, self.seen = self.first.min(axis=1), self.first.notna().to_numpy()
        self.gone = ~self.seen[:, self.sale] & self.first.index.isin(self.lost.index)
        self.open = ~self.seen[:, self.sale] & ~self.gone
        return self.tally(reach(self.seen), self.seen, self.open)

    def tally(self, reached, seen, still_open) -> Numbers:
        """Count who reached each step, of whom nothing of it was seen, and who is still open."""
        unseen, waiting = reached & ~seen, still_open[:, None] & ~reached
        counts = [part.sum(axis=0) for part in (reached, unseen, waiting)]
        return counts[0]

    def any(self) -> Numbers:
        """The same by the rule ``any``."""
        return self.tally(self.seen, self.seen, self.open)

    def ordered(self) -> Numbers:
        """Of each step the first evidence at or after that of the last."""
        step = self.evidence["step"]
        came = self.evidence[step == 0].groupby("lead")["at"].min()
        counts = [len(came)]
        for k in range(1, len(self.ids)):
            mine = self.evidence[step == k].join(came.rename("came"), on="lead")
            came = mine[mine["at"] >= mine["came"]].groupby("lead")["at"].min()
            counts.append(len(came))
        return counts

    def window(self) -> Numbers:
        """The funnel of what came so soon after entry, of leads observed for so long."""
        end = self.entered + self.pd.Timedelta(days=WINDOW_DAYS)
        mine = end <= self.until
        soon = self.first[mine].le(end[mine], axis=0).to_numpy()
        return self.tally(reach(soon), soon, self.open[mine])

    def prepare(self) -> None:
        """Load the made-up memberships."""
        self.table = self.pd.read_parquet(self.task["memberships"]).set_index("variant")

    def segments(self) -> Numbers:
        """The funnels of the made-up segments, with the sums of squares for their intervals."""
        self.member = self.table.reindex(self.walks).to_numpy()
        sums = []
        for weight, path in zip(self.member.T, self.task["paths"], strict=True):
            reached = reach(self.seen[:, [self.ids.index(step) for step in path]])
            sums.append((weight @ reached, weight**2 @ reached))
        return [n for total, _ in sums for n in total]

    def losses(self) -> Numbers:
        """Of lost leads the step after the furthest; whether it was asked for is left out."""
        gone = self.seen[self.gone]
        missed = self.pd.Series(len(self.ids) - gone[:, ::-1].argmax(axis=1))
        return missed.value_counts().reindex(range(len(self.ids)), fill_value=0)

    def times(self) -> Numbers:
        """By which day has which share come to each step and to the outcome?"""
        found = self.follow(self.pd.DataFrame({0: 1.0}, self.first.index))
        return [curves[0][by] for by in (0, 1) for curves in found.values()]

    def segment_times(self) -> Numbers:
        """The same of each made-up segment."""
        found = self.follow(self.pd.DataFrame(self.member, self.first.index))
        return [share for curve in found["won"] for share in curve]

    def follow(self, weights) -> dict[str, list[tuple[float, float]]]:
        """The cumulative incidence of each target in each segment, as many as columns of weights;
        by a day and by the last."""
        found = {}
        for target, end, cause in self.list_days():
            day = (end - self.entered).dt.days.clip(lower=0)
            masses = weights.groupby([day, cause]).sum().unstack(fill_value=0)  # noqa: PD010
            found[target] = []
            for k in weights:
                mass = masses[k].reindex(columns=[0, 1, 2], fill_value=0)
                at_risk = mass.sum(axis=1)[::-1].cumsum()[::-1]
                waiting = (1 - (mass[1] + mass[2]) / at_risk).shift(fill_value=1).cumprod()
                curve = (waiting * mass[1] / at_risk).cumsum()
                found[target].append((curve.loc[:BY_DAY].iloc[-1], curve.iloc[-1]))
        return found

    def list_days(self):
        """Of each target the end of the watch, and its cause: 1 came, 2 something else, 0 waits."""
        won = self.first[self.sale]
        closed = won.fillna(self.lost.reindex(self.first.index))
        end, cause = closed.fillna(self.until), closed.notna() * 2
        for k, step in enumerate(self.ids):
            if k != self.sale:
                taken = self.first[k] <= end
                yield step, self.first[k].where(taken, end), cause.mask(taken, 1)
        yield "won", end, cause.mask(won.notna(), 1)
        yield "lost", end, cause.mask(self.gone, 1)


def reach(seen):
    """Whether a step, or a later one, has evidence."""
    import numpy as np

    return np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1]


# polars


class Polars:
    """Expressions; times and those of segments are left to the others."""

    def __init__(self, task: dict):
        self.task, self.ids, self.sale = task, task["ids"], task["sale"]

    def start(self) -> None:
        """Import it."""
        import polars

        self.pl = polars

    def read(self) -> None:
        """All of the file."""
        self.events = self.pl.read_parquet(self.task["events"])

    def pack(self) -> None:
        """Put the evidence in order."""
        codes = self.pl.LazyFrame({"action": self.ids, "step": range(len(self.ids))})
        rows = self.events.lazy().join(codes, on="action").sort("lead_id", "at", "step")
        self.evidence = rows.collect()

    def variants(self) -> Numbers:
        """How many leads walked each way?"""
        pl = self.pl
        sold = (pl.col("action") == self.sale).cast(pl.Int32)
        kept = self.evidence.lazy().filter((sold.cum_sum() - sold).over("lead_id") == 0)
        walks = kept.group_by("lead_id", maintain_order=True).agg(variant=pl.col("action"))
        self.walks = walks.with_columns(pl.col("variant").list.join(">")).collect()
        return [len(self.walks["variant"].value_counts())]

    def passed(self, path: list[str]) -> list:
        """Whether each step of a path, or a later one, has evidence."""
        some = (self.pl.coalesce(path[k:]) for k in range(len(path)))
        return [first.is_not_null() for first in some]

    def funnel(self) -> Numbers:
        """Who reached which step?"""
        pl, action = self.pl, self.pl.col("action")
        firsts = {i: pl.col("at").filter(action == i).min() for i in self.ids}
        lost = pl.col("at").filter(action.is_in(self.task["lost"])).max()
        leads = self.events.lazy().group_by("lead_id").agg(lost=lost, **firsts)
        leads = leads.with_columns(entered=pl.min_horizontal(self.ids))
        self.leads = leads.filter(pl.col("entered").is_not_null()).collect()
        return self.tally(self.passed(self.ids))

    def tally(self, reached: list, where=True) -> Numbers:
        """Count who reached each step, of whom nothing of it was seen, and who is still open."""
        pl = self.pl
        is_open = pl.col("lost").is_null() & pl.col(self.sale).is_null()
        sums = {}
        for k, (step, r) in enumerate(zip(self.ids, reached, strict=True)):
            unseen, waiting = r & pl.col(step).is_null(), is_open & ~r
            sums |= {f"reached{k}": r.sum(), f"unseen{k}": unseen.sum(), f"open{k}": waiting.sum()}
        return self.leads.lazy().filter(where).select(**sums).collect().row(0)[::3]

    def any(self) -> Numbers:
        """The same by the rule ``any``."""
        return self.tally([self.pl.col(i).is_not_null() for i in self.ids])

    def ordered(self) -> Numbers:
        """Of each step the first evidence at or after that of the last."""
        pl, rows = self.pl, self.evidence.lazy()
        step, earliest = pl.col("step"), pl.col("at").min()
        came = [rows.filter(step == 0).group_by("lead_id").agg(came=earliest).collect()]
        for k in range(1, len(self.ids)):
            mine = rows.filter(step == k).join(came[-1].lazy(), on="lead_id")
            mine = mine.filter(pl.col("at") >= pl.col("came"))
            came.append(mine.group_by("lead_id").agg(came=earliest).collect())
        return [len(leads) for leads in came]

    def window(self) -> Numbers:
        """The funnel of what came so soon after entry, of leads observed for so long."""
        pl = self.pl
        end = pl.col("entered") + pl.duration(days=WINDOW_DAYS)
        soon = [(pl.col(i) <= end).fill_null(False) for i in self.ids]
        reached = [pl.any_horizontal(soon[k:]) for k in range(len(soon))]
        return self.tally(reached, end <= self.events["at"].max())

    def prepare(self) -> None:
        """Load the made-up memberships."""
        self.table = self.pl.read_parquet(self.task["memberships"])

    def segments(self) -> Numbers:
        """The funnels of the made-up segments, with the sums of squares for their intervals."""
        leads = self.leads.lazy().join(self.walks.lazy(), on="lead_id")
        leads = leads.join(self.table.lazy(), on="variant")
        sums = [
            self.pl.col(f"w{k}").pow(power).filter(reached).sum().alias(f"{k} {position} {power}")
            for k, path in enumerate(self.task["paths"])
            for position, reached in enumerate(self.passed(path))
            for power in (1, 2)
        ]
        return leads.select(sums).collect().row(0)[::2]

    def losses(self) -> Numbers:
        """Of lost leads the step after the furthest; whether it was asked for is left out."""
        pl = self.pl
        gone = self.leads.lazy().filter(pl.col("lost").is_not_null() & pl.col(self.sale).is_null())
        sums = {i: r.sum() for i, r in zip(self.ids, self.passed(self.ids), strict=True)}
        reached = gone.select(**sums).collect().row(0)
        return [0, *(here - further for here, further in pairwise(reached))]


CONTESTANTS = {
    "ours": Ours,
    "audit": Audit,
    "DuckDB": Duck,
    "DuckDB, kept": KeptDuck,
    "pandas": Pandas,
    "polars": Polars,
}


def main() -> None:
    """Run one contestant, and print what it took and told."""
    name, path, started, *stages = sys.argv[1:]
    watch = Watch()
    contestant = CONTESTANTS[name](json.loads(Path(path).read_text(encoding="utf-8")))
    watch.start(contestant.start, float(started))
    for stage in stages:
        if stage == "prepare":
            getattr(contestant, stage, lambda: None)()
        elif job := getattr(contestant, stage, None):
            watch.run(stage, job)
    print(json.dumps({"took": watch.took, "told": watch.told}))


if __name__ == "__main__":
    main()

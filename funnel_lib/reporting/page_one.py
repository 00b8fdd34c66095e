"""Page one: the answer, four numbers, what to do, one chart, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from funnel_lib.core.events import SILENT_DAYS
from funnel_lib.core.groups import select_segment
from funnel_lib.core.html import Html, render
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import DAY, read_window
from funnel_lib.core.words import SMALL, Words, hint_if_few, join_sentences, write_amounts
from funnel_lib.drawing.html import link_leads, show_text
from funnel_lib.sections.acts import Act
from funnel_lib.sections.asks.tell import find_worse, tell_proposing, tell_unproven
from funnel_lib.sections.groups.tell import plan_review, tell_worst
from funnel_lib.sections.hypotheses.tell import plan_rule
from funnel_lib.sections.losses.tell import add_up_asked, tell_most_lost, tell_never_proposed
from funnel_lib.sections.new_funnel.tell import tell_ahead
from funnel_lib.sections.open_leads.tell import list_waiting, plan_open
from funnel_lib.sections.outcomes.tell import (
    MANY_OPEN,
    measure_open,
    measure_share,
    take_money,
    tell_outcomes,
)
from funnel_lib.sections.quality.exports import find_silent_end, tell_export
from funnel_lib.sections.quality.tell import (
    tell_merged,
    tell_reliability,
    tell_steps,
    tell_unseen,
)
from funnel_lib.sections.recording.tell import tell_recording
from funnel_lib.sections.section import Answer, Section, Source, is_snapshot
from funnel_lib.sections.times.tell import tell_bought_by
from funnel_lib.sections.tree.draw import show_tree

LEAST_OUT = 0.01  # of the leads, that did not enter: fewer are not worth a word here


@dataclass(frozen=True)
class Number:
    """One of the numbers that stand largest: its name, itself, and what it is part of."""

    name: str
    value: str
    notes: list[str]


@dataclass(frozen=True)
class PageOne:
    """What a head of sales reads first.

    Attributes
    ----------
    answer : why clients do not buy, in a sentence
    reason : a second one; empty where there is none
    outcomes : how many came, and what became of them, in sentences
    numbers : the same as figures, with money
    acts : what to do, the most urgent first
    trust : how far to trust it
    """

    answer: str
    reason: str
    outcomes: str
    numbers: list[Number]
    acts: list[Act]
    trust: list[str]

    def tell(self) -> list[str]:
        """All of it in sentences."""
        acts = [act.tell() for act in self.acts]
        return [s for s in (self.answer, self.reason, self.outcomes, *acts, *self.trust) if s]


def show_page_one(audit: Source) -> Answer:
    """Show what a head of sales reads first, below what was merged and left out."""
    return _PageOne(Section("page_one"), audit)


class _PageOne(Answer):
    """Put together from several sections; where it cannot be made, why, as of any section."""

    def tell(self, lang: str = "") -> list[str]:
        return [*_tell_steps(self.source, self.source.words(lang)), *self._compose(lang).tell()]

    def _compose(self, lang: str) -> PageOne:
        tables, journeys = self.source.tables, self.source.journeys
        return self._keep("page", lang, lambda words: compose_page_one(tables, words, journeys))

    def _show(self, lang: str, failed: dict[str, str]) -> Html:
        source, words = self.source, self.source.words(lang)
        page = self._compose(lang)
        tables = select_segment(source.tables)
        has_chart = bool(page.numbers) and not is_snapshot(tables["funnel"])
        has_chart &= bool((tables["tree"]["n_came"] > tables["tree"]["n_went_on"]).any())
        return render(
            "page_one",
            words=words,
            about=describe_leads(source, words) if page.numbers else "",
            export=show_text(tell_above(source, lang), kind="export"),
            page=page,
            link=lambda told, act: link_leads(told, act.leads, words.lead_url or f"#{act.section}"),
            chart=show_tree(tables["tree"], words, tables["asks"]) if has_chart else "",
        )


def tell_above(audit: Source, lang: str = "") -> list[str]:
    """What stands above page one: what must be known of the steps, what was merged, what the export
    leaves out."""
    log, words, journeys = audit.log, audit.words(lang), audit.journeys
    merged = tell_merged(log, audit.unmerged, journeys.leads, words)
    silent = [
        words.text("sentence.check_silent_end", last=last, until=log.observed_until)
        for last in find_silent_end(log)
    ]
    return [*_tell_steps(audit, words), *merged, *silent, *tell_export(log, words, journeys)]


def tell_whole(audit: Source, lang: str = "") -> list[str]:
    """Tell all that stands on page one and above it, its numbers, too."""
    words = audit.words(lang)
    page = compose_page_one(audit.tables, words, audit.journeys)
    numbers = [told for number in page.numbers for told in (number.value, *number.notes)]
    about = [describe_leads(audit, words)] if page.numbers else []
    return [*about, *tell_above(audit, lang), *page.tell(), *numbers]


def _tell_steps(audit: Source, words: Words) -> list[str]:
    quality = audit.tables.get("quality")
    return tell_steps(audit.log, audit.steps, audit.settings.steps, words, quality)


def tell_page_one(
    tables: dict[str, pd.DataFrame], words: Words, journeys: Journeys | None = None
) -> list[str]:
    """What does a head of sales read first, in sentences? See `compose_page_one`."""
    return compose_page_one(tables, words, journeys).tell()


def compose_page_one(
    tables: dict[str, pd.DataFrame], words: Words, journeys: Journeys | None = None
) -> PageOne:
    """Put page one together from the audit's tables by name.

    The answer is the first that holds beyond chance: proposing the next step helps, somebody sells
    worse, most are lost at a step. Of journeys that are given, what they cannot show is told, too.
    A snapshot, which shows no step between the first and the sale, says nothing of steps; where
    no lead entered the funnel, a sentence says so, and that is all.
    """
    if not tables["leads"]["entered_at"].notna().any():
        return PageOne(words.text("sentence.nobody"), "", "", [], [], [])
    tables = _leave_out_harmed(take_money(select_segment(tables)))
    leads = tables["leads"][tables["leads"]["entered_at"].notna()]
    answer, reason = _find_answer(tables, leads, words)
    acts = [act for act in _list_acts(tables, words) if act is not None]
    outcomes = tell_outcomes(tables["leads"], words)
    trust = [*_tell_trust(tables, leads, journeys, words), *_tell_caution(tables, acts, words)]
    return PageOne(answer, reason, outcomes, _list_numbers(tables, leads, words), acts, trust)


def _leave_out_harmed(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables, the list of open leads without those at places where fewer go on after a
    proposal: to propose is no advice there."""
    harmed = tables["asks"].loc[find_worse(tables["asks"]), "node"]
    open_leads = tables["open_leads"]
    return tables | {"open_leads": open_leads[~open_leads["node"].isin(harmed)]}


def _find_answer(
    tables: dict[str, pd.DataFrame], leads: pd.DataFrame, words: Words
) -> tuple[str, str]:
    """The answer in a sentence, and its reason in a second."""
    if "no_lost_leads" in {*tables["quality"]["check"]}:
        return words.text("page.snapshot_cut"), ""
    if is_snapshot(tables["funnel"]) and (leads["status"] == "lost").any():
        if "is_cut" in leads and leads["is_cut"].any():
            return words.text("page.snapshot_cut"), ""
        return words.text("page.snapshot", **measure_share(leads)), ""
    losses, segments = tables["losses"], tables["segments"]
    most, never = (
        tell_most_lost(losses, tables["tree"], words, tables["losses_alike"]),
        tell_never_proposed(losses, words, tables["losses_alike"]),
    )
    if proposing := tell_proposing(tables["asks"], words):
        return proposing, never or most
    if worst := tell_worst(tables["groups"], words):
        return worst, most
    several = words.text("page.paths", n=len(segments)) if len(segments) > 1 else ""
    never = never and join_sentences(never, tell_unproven(tables["asks"], words))
    return most or words.text("sentence.no_losses"), never or several


def _list_acts(tables: dict[str, pd.DataFrame], words: Words) -> Iterator[Act | None]:
    is_draft = (tables["quality"]["check"] == "draft_steps").any()
    # to propose is for steps that are known, and that somebody has looked at
    has_steps = not (is_snapshot(tables["funnel"]) or is_draft)
    # where nobody at all was heard of lately, what was proposed since may be missing
    open_leads = tables["open_leads"]
    heard = open_leads.loc[open_leads["last_step"].fillna("") != "", "days_silent"]
    yield plan_open(open_leads, words, has_steps and (heard < SILENT_DAYS).any())
    yield plan_review(tables["groups"], words)
    if has_steps:
        yield plan_rule(tables["hypotheses"], tables["segments"], words)


def _list_numbers(
    tables: dict[str, pd.DataFrame], leads: pd.DataFrame, words: Words
) -> list[Number]:
    """How many bought, for how much, are lost, are open."""
    by_status = {status: leads[leads["status"] == status] for status in ("won", "lost", "open")}
    won, lost, still_open = by_status.values()
    cut = {"no_won_leads", "no_lost_leads"} & {*tables["quality"]["check"]}
    whole = not cut and not ("is_cut" in leads and leads["is_cut"].any())
    key = "page.of_leads_open" if measure_open(leads) >= MANY_OPEN else "page.of_leads"
    share = words.text(key, open=measure_open(leads), **measure_share(leads))
    numbers = [Number(words.text("page.bought"), words.number(len(won)), [share] * whole)]
    if revenue := write_amounts(won, words):
        main = tables["segments"].sort_values("share_of_amount_won", ascending=False)[:1]
        told = len(tables["segments"]) > 1 and main["share_of_amount_won"].notna().all()
        n = int((won["amount"] > 0).sum())
        notes = [
            words.each("page.of_path", main) if told else "",
            words.text("page.revenue_known", n=n, of=len(won)) if n < len(won) else "",
        ]
        numbers.append(Number(words.text("page.revenue"), revenue, [*filter(None, notes)]))
    sums = add_up_asked(tables["losses"], tables["losses_alike"])
    never, asked, unknown = sums[["n_not_asked", "n_asked", "n_unknown"]]
    told = never >= 0.5 and unknown < 0.5  # else the reason says of how many it can be seen
    part = words.text("page.lost_not_asked", share=never / (never + asked)) if told else ""
    numbers.append(Number(words.text("page.lost"), words.number(len(lost)), [part] * bool(part)))
    amount, n = write_amounts(still_open, words), len(list_waiting(tables["open_leads"]))
    notes = [
        words.text("page.open_amount", amount=amount) if amount else "",
        words.text("page.open_wait", n=n) if n else "",
    ]
    value = words.number(len(still_open))
    return [*numbers, Number(words.text("page.open"), value, [*filter(None, notes)])]


def _tell_trust(
    tables: dict[str, pd.DataFrame], leads: pd.DataFrame, journeys: Journeys | None, words: Words
) -> list[str]:
    recording = tables["recording"]
    told = [
        join_sentences(
            tell_reliability(tables["funnel"], tables["necessity"], words),
            tell_ahead(tables["leads"], words),
        ),
        tell_recording(recording, words) if recording["apart"].any() else "",
        tell_unseen(tables["leads"], journeys, words) if journeys is not None else "",
    ]
    won, lost = (int((leads["status"] == status).sum()) for status in ("won", "lost"))
    few = [
        hint_if_few(len(leads), words),
        words.text("page.few_bought", n=won) if 0 < won < SMALL <= len(leads) else "",
        _tell_open(tables, leads, words),
        words.text("page.few_lost", n=lost) if 0 < lost < SMALL <= len(leads) else "",
        _tell_silent(journeys, words) if journeys is not None else "",
    ]
    return [*filter(None, [*few, *told])]


def _tell_open(tables: dict[str, pd.DataFrame], leads: pd.DataFrame, words: Words) -> str:
    """What many open leads keep from being seen, and which leads are not counted at all."""
    share, out = measure_open(leads), tables["leads"][tables["leads"]["entered_at"].isna()]
    many = share >= MANY_OPEN
    return join_sentences(
        many and words.text("page.many_open", open=share),
        many and "time_to" in tables and tell_bought_by(tables["time_to"], words),
        len(out) >= LEAST_OUT * len(tables["leads"])
        and len(out) > 0
        and words.text("page.not_entered", n=len(out), open=(out["status"] == "open").sum()),
    )


def _tell_silent(journeys: Journeys, words: Words) -> str:
    """How many are lost for nothing but silence, as the steps file says so?"""
    checks = journeys.quality[journeys.quality["check"] == "silent_is_lost"]
    days = read_window(journeys.steps.lead_lost_after) / DAY
    return words.each("page.silent_lost", checks.assign(n=checks["n_rows"], days=days))


def _tell_caution(tables: dict[str, pd.DataFrame], acts: list[Act], words: Words) -> list[str]:
    """What else may be behind a difference that is claimed, and what not to make of the gains."""
    gains = [act for act in acts if act.gain]
    proposes = tell_proposing(tables["asks"], words)
    worse = tell_worst(tables["groups"], words)
    told = join_sentences(
        proposes and words.text("page.cause_asks"),
        worse and words.text("page.cause_groups"),
        gains and not (proposes or worse) and words.text("page.cause"),
        len(gains) > 1 and words.text("page.overlap"),
    )
    return [told] if told else []


def describe_leads(source: Source, words: Words) -> str:
    """Whose leads these are, of which time, how many of them, until when."""
    leads = source.tables["leads"]
    leads = leads[leads["entered_at"].notna()]
    since, until = leads["entered_at"].min(), leads["entered_at"].max()
    is_day = words.date(since) == words.date(until)
    managers = leads["manager"].replace("", None).nunique()
    parts = [
        source.settings.title,
        words.text("page.day" if is_day else "page.period", since=since, until=until),
        words.text("count.leads", n=len(leads)),
        words.text("page.managers", n=managers) if managers else "",
        words.text("page.exported", day=source.journeys.observed_until),
    ]
    return " · ".join(filter(None, parts))

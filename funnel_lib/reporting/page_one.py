"""Page one: the sentences a head of sales reads first."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import select_segment
from funnel_lib.core.html import Html, render
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import show_text
from funnel_lib.sections.asks.tell import tell_asks
from funnel_lib.sections.groups.tell import tell_groups
from funnel_lib.sections.hypotheses.tell import tell_start
from funnel_lib.sections.losses.tell import tell_main_loss
from funnel_lib.sections.outcomes.tell import tell_outcomes
from funnel_lib.sections.paths.tell import tell_segments
from funnel_lib.sections.quality.exports import tell_export
from funnel_lib.sections.quality.tell import (
    tell_merged,
    tell_reliability,
    tell_steps,
    tell_unseen,
)
from funnel_lib.sections.recording.tell import tell_recording
from funnel_lib.sections.section import Answer, Section, Source


def show_page_one(audit: Source) -> Answer:
    """Show what a head of sales reads first, below what was merged and left out."""
    return _PageOne(Section("page_one"), audit)


class _PageOne(Answer):
    """Put together from several sections; where it cannot be made, why, as of any section."""

    def tell(self, lang: str = "") -> list[str]:
        source, words = self.source, self.source.words(lang)
        told = tell_page_one(source.tables, words, source.journeys)
        return [*_tell_steps(source, words), *told]

    def _show(self, lang: str, failed: dict[str, str]) -> Html:
        source, words = self.source, self.source.words(lang)
        told = tell_page_one(source.tables, words, source.journeys)
        return render(
            "page_one",
            export=show_text(tell_above(source, lang), kind="export"),
            told=show_text(told, kind="page-one"),
        )


def tell_above(audit: Source, lang: str = "") -> list[str]:
    """What stands above page one: what must be known of the steps, what was merged, what the export
    leaves out."""
    log, words, journeys = audit.log, audit.words(lang), audit.journeys
    merged = tell_merged(log, audit.unmerged, journeys.leads, words)
    return [*_tell_steps(audit, words), *merged, *tell_export(log, words, journeys)]


def _tell_steps(audit: Source, words: Words) -> list[str]:
    quality = audit.tables.get("quality")
    return tell_steps(audit.log, audit.steps, audit.settings.steps, words, quality)


def tell_page_one(
    tables: dict[str, pd.DataFrame], words: Words, journeys: Journeys | None = None
) -> list[str]:
    """What does a head of sales read first, of the audit's tables by name?

    Outcomes, paths where there are several, main loss, whether proposing helps, who sells worse,
    where to start, who records otherwise, of journeys that are given what they cannot show,
    reliability; one sentence alone where no lead entered the funnel.
    """
    if not tables["leads"]["entered_at"].notna().any():
        return [words.text("sentence.nobody")]
    tables = select_segment(tables)
    told = [
        tell_outcomes(tables["leads"], words),
        len(tables["segments"]) > 1 and tell_segments(tables["segments"], words),
        tell_main_loss(tables["losses"], tables["tree"], words),
        tables["asks"]["difference"].notna().any() and tell_asks(tables["asks"], words),
        tables["groups"]["beyond_chance"].any() and tell_groups(tables["groups"], words),
        tell_start(tables["hypotheses"], tables["segments"], words),
        tables["recording"]["differs"].any() and tell_recording(tables["recording"], words),
        journeys is not None and tell_unseen(tables["leads"], journeys, words),
        tell_reliability(tables["funnel"], tables["necessity"], tables["leads"], words),
    ]
    return [sentence for sentence in told if sentence]

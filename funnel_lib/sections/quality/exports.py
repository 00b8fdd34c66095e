"""What a CRM's export leaves out, and which further export would answer it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import SILENT_DAYS, STAGE_PREFIX, EventLog
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.words import Words
from funnel_lib.counting.checks import MADE, Cut, list_cuts
from funnel_lib.counting.duplicates import LEAST, find_second_entries

# How each CRM gives what is missing; the ways through its menus stand in the locale.
METHODS = {
    "amocrm": {
        "history": "GET /api/v4/events?filter[type]=lead_status_changed",
        "acts": "GET /api/v4/events, GET /api/v4/leads/notes",
        "leads": "GET /api/v4/leads/unsorted",
    },
    "bitrix24": {
        "history": "crm.stagehistory.list (entityTypeId 2)",
        "acts": "crm.activity.list",
        "leads": "crm.lead.list, crm.stagehistory.list (entityTypeId 1)",
    },
    "hubspot": {
        "history": "GET /crm/v3/objects/deals?propertiesWithHistory=dealstage",
        "acts": "GET /crm/v3/objects/calls, emails, meetings",
        "leads": "GET /crm/v3/objects/contacts",
    },
    "salesforce": {
        "history": "OpportunityHistory, OpportunityFieldHistory",
        "acts": "Task, Event, EmailMessage",
        "leads": "Lead, LeadHistory",
    },
    "pipedrive": {
        "history": "GET /v1/deals/{id}/flow",
        "acts": "GET /v1/deals/{id}/flow, GET /v1/activities",
        "leads": "GET /v1/leads",
    },
}
MOST_PIPELINES = 5  # that a sentence names
_CUTS = {
    "cut_by_closing": "sentence.cut_by_closing",
    "history_begins_late": "sentence.history_begins_late",
    "introduced_at_once": "sentence.introduced_at_once",
    "no_open_leads": "sentence.no_open_leads",
    "no_lost_leads": "sentence.no_lost_leads",
    "no_won_leads": "sentence.no_won_leads",
}
_LACKS = {
    "history": "sentence.export_no_history",
    "acts": "sentence.export_no_acts",
    "leads": "sentence.export_no_leads",
}


def find_missing(log: EventLog) -> list[str]:
    """What would a CRM have to tell besides: ``history``, ``acts``, ``leads``?

    Of a log that no CRM's tables gave, nothing. ``history``: no change of stage is known; ``acts``:
    nothing a client or a manager did; ``leads``: no lead that never became a deal.
    """
    if find_crm_name(log) is None:
        return []
    names = log.events["action"].cat.categories
    used = names[np.unique(log.events["action"].cat.codes)]
    moves = used.str.startswith(STAGE_PREFIX)
    # deals whose own id is personal are called so, too
    own = log.leads["lead_id"][log.leads["lead_id"].str.startswith("lead ")]
    deals = log.events.loc[log.events["action"] == "deal_created", "lead_id"]
    there = {
        "history": moves.any(),
        "acts": (~moves & ~used.isin(MADE)).any(),
        "leads": "lead_created" in used or (~own.isin(deals)).any(),
    }
    return [what for what, known in there.items() if not known]


def find_crm_name(log: EventLog) -> str | None:
    """Whose tables gave a log: a CRM's name, or None."""
    named = [crm for crm in log.sources["crm"].unique() if crm in METHODS]
    return named[0] if named else None


def tell_export(log: EventLog, words: Words, journeys: Journeys | None = None) -> list[str]:
    """By what is this export cut, what can a CRM's not tell, and what to export instead?

    Cuts, and clients entered twice, are told of the journeys, whose outcomes also their events may
    tell, where these are given.
    """
    cuts = [_tell_cut(cut, words) for cut in list_cuts(journeys or log)]
    told = [*cuts, *_tell_duplicates(journeys or log, words)]
    return [*told, *_tell_pipelines(journeys or log, words), *_tell_missing(log, words)]


def find_silent_end(log: EventLog) -> list[pd.Timestamp]:
    """The last event, where nothing follows for so long before the export that it looks cut."""
    last = log.events["at"].max()
    return [last] if log.observed_until - last >= pd.Timedelta(days=SILENT_DAYS) else []


def _tell_duplicates(source: EventLog | Journeys, words: Words) -> list[str]:
    second = find_second_entries(source)
    n, of = int(second.sum()), len(second)
    if n < LEAST * of or not n:
        return []
    return [words.text("sentence.duplicate_leads", n=n, of=of, share=n / of)]


def _tell_pipelines(source: EventLog | Journeys, words: Words) -> list[str]:
    """Of several pipelines, each of which is a funnel of its own, one report mixes the stages."""
    counts = source.leads["pipeline"].value_counts() if "pipeline" in source.leads else []
    if len(counts) < 2:
        return []
    largest = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))[:MOST_PIPELINES]
    named = "; ".join(f"{name} ({words.number(n)})" for name, n in largest)
    chosen = f'--only "pipeline={largest[0][0]}"'
    return [words.text("sentence.pipelines", n=len(counts), named=named, chosen=chosen)]


def _tell_cut(cut: Cut, words: Words) -> str:
    n, of = int(cut.leads.sum()), len(cut.leads)
    return words.text(_CUTS[cut.check], n=n, of=of, share=n / of, day=cut.day)


def _tell_missing(log: EventLog, words: Words) -> list[str]:
    """Nothing where nothing is missing, or where the tables are no CRM's."""
    crm, missing = find_crm_name(log), find_missing(log)
    if not missing:
        return []
    name = words.text(f"crm.{crm}")
    asked = [
        words.text(
            _LACKS[what], crm=name,
            way=words.text(f"export_way.{crm}_{what}"), method=METHODS[crm][what],
        )
        for what in missing
    ]  # fmt: skip
    if {"history", "acts"} <= {*missing}:
        return [words.text("sentence.export_snapshot", crm=name), *asked]
    return asked


def tell_sources(log: EventLog, words: Words) -> list[str]:
    """As what was each file read, and by which of its columns was that told?

    Nothing where the tables are no CRM's.
    """
    crm = find_crm_name(log)
    if crm is None:
        return []
    known = log.sources.loc[log.sources["told_by"] != "", ["file", "told_by"]].drop_duplicates()
    known["file"] = known["file"].str.split(r"[\\/]", regex=True).str[-1]
    files = words.each("sentence.export_file", known)
    return [words.text("sentence.export_read", crm=words.text(f"crm.{crm}"), files=files)]

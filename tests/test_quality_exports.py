"""What a CRM's export leaves out, told with the way to get it."""

from dataclasses import replace

import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.words import LANGUAGES, Words
from funnel_lib.sections.quality.exports import METHODS, find_missing, tell_export, tell_sources

ALL = ["history", "acts", "leads"]


def log_of(*actions, crm="amocrm"):
    events = pd.DataFrame({"lead_id": "1", "at": "2025-01-01", "action": actions})
    sources = pd.DataFrame({"file": ["C:\\a\\deals.csv"], "crm": crm, "kind": "export",
                            "n_rows": 1, "told_by": "ID, Этап сделки"})  # fmt: skip
    return build_log(events, sources=sources)


@pytest.mark.parametrize(
    ("actions", "missing"),
    [
        (["deal_created"], ALL),
        (["deal_created", "stage: A"], ["acts", "leads"]),
        (["deal_created", "incoming_mail"], ["history", "leads"]),
        (["deal_created", "lead_created"], ["history", "acts"]),
        (["deal_created", "lead_created", "stage: A", "outgoing_call"], []),
    ],
)
def test_what_is_missing_is_told_from_what_is_there(actions, missing):
    assert find_missing(log_of(*actions)) == missing
    told = tell_export(log_of(*actions), Words("en"))
    snapshot = {"history", "acts"} <= {*missing}
    assert len(told) == len(missing) + snapshot
    assert all(any(METHODS["amocrm"][what] in t for t in told) for what in missing)


def test_deals_called_leads_as_their_ids_are_personal_are_no_leads():
    log = log_of("deal_created")
    named = [f.assign(lead_id="lead 1") for f in (log.events, log.leads)]
    assert "leads" in find_missing(replace(log, events=named[0], leads=named[1]))
    acts = named[0].assign(action=pd.Categorical(["outgoing_call"]))
    assert "leads" not in find_missing(replace(log, events=acts, leads=named[1]))


def test_plain_tables_are_asked_for_nothing():
    log = log_of("deal_created", crm="plain")
    assert find_missing(log) == [] and tell_export(log, Words("en")) == []
    assert tell_sources(log, Words("en")) == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("crm", METHODS)
def test_every_crm_has_a_way_to_each_missing_part(crm, lang):
    told = tell_export(log_of("deal_created", crm=crm), Words(lang))
    assert len(told) == 4 and len(set(told)) == 4
    name = Words(lang).text(f"crm.{crm}")
    assert all(name in t for t in told)
    (source,) = tell_sources(log_of("x", crm=crm), Words(lang))
    assert name in source and "deals.csv (" in source and "ID, Этап сделки)." in source

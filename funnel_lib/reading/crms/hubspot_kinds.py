"""Which tables HubSpot gives, and what their columns mean: exports, the tables that pipelines
copy (their columns are ``property_…``), and the API v3 (``properties.…``)."""

from __future__ import annotations

import re

from funnel_lib.reading.crms.kinds import Kind

NAME = "hubspot"
ENTERED = re.compile(r"""^Date (entered|exited) ["'](?P<stage>.+)["']$""")


def _named(*names: str, label: str = "") -> str:
    """The names a property goes by: its label in an export, in a table, in the API."""
    own = [x for n in names for x in (f"property_{n}", f"properties.{n}")]
    return ", ".join([label, *own] if label else own)


DEAL = {
    "lead_id": "Record ID, deal_id, id",
    "created_at": _named("createdate", label="Create Date"),
    "modified_at": _named("hs_lastmodifieddate", label="Last Modified Date") + ", updatedAt",
    "closed_at": _named("closedate", label="Close Date"),
    "stage": "Deal Stage", "pipeline": "Pipeline",
    "stage_id": "deal_pipeline_stage_id, " + _named("dealstage"),
    "pipeline_id": "deal_pipeline_id, " + _named("pipeline"),
    "manager": "Deal owner, owner_id, " + _named("hubspot_owner_id"),
    "amount": _named("amount", label="Amount"),
    "currency": _named("deal_currency_code", label="Currency"),
    "loss_reason": _named("closed_lost_reason", label="Closed Lost Reason"),
    "source": _named("hs_analytics_source", label="Original Traffic Source, Original Source Type"),
    "is_won": _named("hs_is_closed_won", label="Is Closed Won"),
    "is_lost": _named("hs_is_closed_lost", label="Is closed lost"),
    "is_closed": _named("hs_is_closed", label="Is Deal Closed?, Is closed"),
    "is_deleted": "is_deleted, _fivetran_deleted, archived",
    "made_by": _named("hs_object_source", label="Record source"),
    "company_ids": "Associated Company IDs, Associated Company IDs (Primary)",
    "company": "Associated Company, Associated Company (Primary)",
    "contact_ids": "Associated Contact IDs",
}  # fmt: skip
LIFE = {
    "became_lead": ("Lead", "lead"),
    "became_marketing_qualified_lead": ("Marketing Qualified Lead", "marketingqualifiedlead"),
    "became_sales_qualified_lead": ("Sales Qualified Lead", "salesqualifiedlead"),
    "became_opportunity": ("Opportunity", "opportunity"),
}
LIFE = {a: _named(f"hs_lifecyclestage_{n}_date", label=f"Became a {word} Date, "
                   f"Became an {word} Date") for a, (word, n) in LIFE.items()}  # fmt: skip
_CONTACT = {
    "owner_id": "Record ID, id", "created_at": _named("createdate", label="Create Date"),
    "stage": _named("lifecyclestage", label="Lifecycle Stage"),
    "lead_status": _named("hs_lead_status", label="Lead Status"),
    "manager": _named("hubspot_owner_id", label="Contact owner"),
    "source": _named("hs_analytics_source", label="Original Traffic Source, Original Source Type"),
    "made_by": _named("hs_object_source", label="Record source"),
    "deal_ids": "Associated Deal IDs", **LIFE,
}  # fmt: skip
_CONTACT_TIMES = ("created_at", *LIFE)
_ACT = {
    "id": "engagement_id, id", "type": "type", "at": _named("hs_timestamp"),
    "mail_way": _named("hs_email_direction"), "call_way": _named("hs_call_direction"),
    "duration": _named("hs_call_duration"), "meeting": _named("hs_meeting_outcome"),
    "task": _named("hs_task_status"), "done_at": _named("hs_task_completion_date"),
    "note": _named("hs_note_body"),
    "written_at": "updatedAt, " + _named("hs_lastmodifieddate") + ", createdAt",
    "is_deleted": "_fivetran_deleted, is_deleted, archived",
}  # fmt: skip
_SYNCED = "_fivetran_synced, type_id, category"
KINDS = (
    Kind(NAME, "export", ("Record ID", "Deal Stage", "Create Date, Close Date, Pipeline"), DEAL,
         times=("created_at", "modified_at", "closed_at"), numbers=("amount",),
         times_like=ENTERED.pattern),
    Kind(NAME, "deals", ("deal_id", "deal_pipeline_stage_id, property_dealstage",
                         "property_createdate, property_closedate"),
         DEAL, times=("created_at", "modified_at", "closed_at"), numbers=("amount",), utc=True),
    Kind(NAME, "api_deals", ("id", "properties.dealstage, propertiesWithHistory.dealstage.0.value",
                             "properties.createdate, createdAt"),
         DEAL | {"created_at": "properties.createdate, createdAt"},
         times=("created_at", "modified_at", "closed_at"), numbers=("amount",), utc=True),
    Kind(NAME, "moves", ("deal_id", "value", "date_entered, _fivetran_start",
                         "source_id, _fivetran_active, _fivetran_synced"),
         {"lead_id": "deal_id", "at": "date_entered, _fivetran_start", "stage_id": "value",
          "source": "source"}, times=("at",), utc=True),
    Kind(NAME, "events", ("deal_id", "timestamp", "name", "value",
                          "source_id, _fivetran_synced, source_type"),
         {"lead_id": "deal_id", "at": "timestamp", "name": "name", "stage_id": "value",
          "source": "source, source_type"}, times=("at",), utc=True),
    Kind(NAME, "stages", ("stage_id", "label", "pipeline_id", "closed_won, is_closed, probability"),
         {"stage_id": "stage_id", "stage": "label", "pipeline_id": "pipeline_id",
          "is_won": "closed_won", "is_closed": "is_closed", "probability": "probability"},
         numbers=("probability",)),
    Kind(NAME, "pipelines", ("pipeline_id", "label", "display_order, active, _fivetran_synced"),
         {"pipeline_id": "pipeline_id", "pipeline": "label"}),
    Kind(NAME, "api_pipelines", ("id", "label", "stages.0.id"),
         {"pipeline_id": "id", "pipeline": "label"}),
    Kind(NAME, "merged", ("deal_id", "merged_deal_id"),
         {"lead_id": "merged_deal_id", "into": "deal_id"}),
    Kind(NAME, "forms",
         ("form_id", "contact_id", "timestamp", "conversion_id, page_url, portal_id"),
         {"owner_id": "contact_id", "at": "timestamp"}, times=("at",), utc=True),
    Kind(NAME, "activities", ("engagement_id", "property_hs_timestamp", "type"), _ACT,
         times=("at", "done_at", "written_at"), numbers=("duration",), utc=True),
    Kind(NAME, "api_activities", ("id", "properties.hs_timestamp"), _ACT,
         times=("at", "done_at", "written_at"), numbers=("duration",), utc=True),
    Kind(NAME, "activity_links", ("engagement_id", "deal_id, contact_id, company_id"),
         {"id": "engagement_id", "deal": "deal_id", "contact": "contact_id",
          "company": "company_id"}),
    Kind(NAME, "deal_contacts", ("deal_id", "contact_id", _SYNCED),
         {"lead_id": "deal_id", "owner_id": "contact_id"}),
    Kind(NAME, "deal_companies", ("deal_id", "company_id", _SYNCED),
         {"lead_id": "deal_id", "owner_id": "company_id"}),
    Kind(NAME, "contacts", ("Record ID", "Lifecycle Stage", ", ".join(
        [*LIFE.values(), "Contact owner, Email, First Name"])), _CONTACT, times=_CONTACT_TIMES),
    Kind(NAME, "api_contacts", ("id", _CONTACT["stage"], _CONTACT["created_at"]), _CONTACT,
         times=_CONTACT_TIMES, utc=True),
    Kind(NAME, "api_people",
         ("id", "properties.firstname, properties.lastname",
          "properties.phone, properties.mobilephone, properties.email"), {"owner_id": "id"}),
    Kind(NAME, "companies", ("Record ID", "Company name", "Company owner, Company Domain Name",
                             "Create Date"), {"owner_id": "Record ID"}),
    Kind(NAME, "owners", ("owner_id, id", "email", "first_name", "last_name",
                          "portal_id, user_id, _fivetran_synced"),
         {"id": "owner_id, id", "first": "first_name", "last": "last_name"}),
)  # fmt: skip

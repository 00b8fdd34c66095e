"""Which tables Salesforce gives, and what their columns mean: API names and the snake case of
pipelines are the same here; the labels of reports stand beside them."""

from __future__ import annotations

from funnel_lib.reading.crms.kinds import Kind

NAME = "salesforce"
_MODIFIED = "SystemModstamp, LastModifiedDate"
DEAL = {
    "lead_id": "Opportunity ID, Id", "created_at": "Created Date",
    "closed_at": "Close Date", "stage": "StageName, Stage", "manager": "OwnerId, Opportunity Owner",
    "amount": "Amount", "currency": "CurrencyIsoCode, Amount Currency, Opportunity Currency",
    "source": "Lead Source", "account_id": "AccountId, Account ID, Account Name",
    "pipeline": "RecordType.Name, Opportunity Record Type, Record Type, RecordTypeId",
    "loss_reason": "Loss_Reason__c, Closed_Lost_Reason__c, Lost_Reason__c, Loss Reason, "
    "Closed Lost Reason, Lost Reason",
    "is_won": "IsWon, Won", "is_closed": "IsClosed, Closed", "is_deleted": "IsDeleted",
    "contact_id": "ContactId", "since": "_fivetran_start", "active": "_fivetran_active",
    "modified_at": _MODIFIED,
}  # fmt: skip
DEAL_TIMES = ("created_at", "closed_at", "since", "modified_at")
_CHANGE = {"field": "Field, Field / Event", "old": "OldValue", "new": "NewValue",
           "at": "CreatedDate, Edit Date", "user": "CreatedById"}  # fmt: skip
_LEAD = {
    "owner_id": "Lead ID, Id", "created_at": "Created Date, Create Date",
    "stage": "Lead Status, Status", "manager": "OwnerId, Lead Owner", "source": "Lead Source",
    "is_converted": "IsConverted, Converted", "converted_at": "Converted Date",
    "lead_id": "ConvertedOpportunityId", "is_deleted": "IsDeleted", "modified_at": _MODIFIED,
}  # fmt: skip
LEAD_TIMES = ("created_at", "modified_at")
_ABOUT = {"id": "Id", "what_id": "WhatId", "who_id": "WhoId", "account_id": "AccountId",
          "created_at": "CreatedDate", "is_deleted": "IsDeleted", "modified_at": _MODIFIED,
          "type": "Type"}  # fmt: skip
KINDS = (
    Kind(NAME, "opportunities",
         ("Id", "StageName", "CloseDate", "OwnerId, AccountId, IsClosed, IsWon, LeadSource"),
         DEAL, times=DEAL_TIMES, numbers=("amount",), utc=True),
    Kind(NAME, "opportunity_report",
         ("Opportunity ID", "Stage", "Close Date", "Created Date", "Opportunity Owner, "
          "Opportunity Name, Opportunity Record Type, Account Name, Closed, Won"),
         DEAL, times=DEAL_TIMES, numbers=("amount",)),
    Kind(NAME, "moves",
         ("OpportunityId", "StageName", "CreatedDate", "CreatedById, Probability, Amount, "
          "CloseDate, ForecastCategory, SystemModstamp"),
         {"owner_id": "OpportunityId", "at": "CreatedDate", "stage": "StageName",
          "user": "CreatedById"}, times=("at",), utc=True),
    Kind(NAME, "changes", ("OpportunityId", "Field", "OldValue", "NewValue", "CreatedDate"),
         {"owner_id": "OpportunityId", **_CHANGE}, times=("at",), utc=True),
    Kind(NAME, "change_report",
         ("Opportunity ID", "Field / Event", "Old Value", "New Value", "Edit Date"),
         {"owner_id": "Opportunity ID", **_CHANGE}, times=("at",)),
    Kind(NAME, "lead_changes", ("LeadId", "Field", "OldValue", "NewValue", "CreatedDate"),
         {"owner_id": "LeadId", **_CHANGE}, times=("at",), utc=True),
    Kind(NAME, "stages", ("MasterLabel", "IsClosed", "IsWon"),
         {"stage": "MasterLabel", "is_won": "IsWon", "is_closed": "IsClosed"}),
    Kind(NAME, "tasks",
         ("Id", "WhatId, WhoId", "Status", "TaskSubtype, CallType, CallDurationInSeconds, "
          "CompletedDateTime, IsClosed, ActivityDate"),
         _ABOUT | {"status": "Status", "is_closed": "IsClosed", "call_type": "CallType",
                   "subtype": "TaskSubtype", "duration": "CallDurationInSeconds",
                   "done_at": "CompletedDateTime"},
         times=("created_at", "done_at", "modified_at"), utc=True),
    Kind(NAME, "meetings",
         ("Id", "WhatId, WhoId", "StartDateTime, ActivityDateTime", "EventSubtype, EndDateTime, "
          "DurationInMinutes, IsAllDayEvent, CreatedDate"),
         _ABOUT | {"at": "StartDateTime, ActivityDateTime", "is_child": "IsChild"},
         times=("at", "created_at", "modified_at"), utc=True),
    Kind(NAME, "mails", ("RelatedToId", "Incoming", "MessageDate"),
         {"id": "Id", "what_id": "RelatedToId", "task_id": "ActivityId", "incoming": "Incoming",
          "at": "MessageDate", "is_deleted": "IsDeleted", "created_at": "CreatedDate",
          "modified_at": _MODIFIED}, times=("at", "created_at", "modified_at"), utc=True),
    Kind(NAME, "leads", ("Id", "Status", "IsConverted", "ConvertedOpportunityId, ConvertedDate, "
                         "ConvertedContactId, LeadSource, CreatedDate"),
         _LEAD, times=LEAD_TIMES, utc=True),
    Kind(NAME, "lead_report", ("Lead ID", "Lead Status", "Lead Owner, Lead Source",
                               "Create Date, Created Date, Converted, Converted Date"),
         _LEAD, times=LEAD_TIMES),
    Kind(NAME, "roles", ("OpportunityId", "ContactId", "IsPrimary, Role"),
         {"lead_id": "OpportunityId", "contact_id": "ContactId", "is_deleted": "IsDeleted"}),
    Kind(NAME, "contacts", ("Id", "AccountId", "LastName", "FirstName, Email, Phone"),
         {"contact_id": "Id", "account_id": "AccountId"}),
    Kind(NAME, "accounts", ("Id", "Name", "BillingCountry, Industry, AnnualRevenue, "
                            "NumberOfEmployees, Website"), {"account_id": "Id"}),
    Kind(NAME, "users", ("Id", "Name", "Username, ProfileId, UserRoleId"),
         {"id": "Id", "name": "Name", "type": "UserType"}),
)  # fmt: skip

"""Which tables Bitrix24 gives, and what their columns mean: exports in Russian and English, and the
REST API in both of its spellings (``STAGE_ID``, ``stageId``)."""

from __future__ import annotations

from funnel_lib.reading.crms.kinds import Kind

NAME = "bitrix24"
_FACTS = {
    "created_at": "Дата создания, Создан, Создана, Created, Created on, DATE_CREATE, createdTime",
    "modified_at": "Дата изменения, Изменен, Изменена, Modified, Modified on, DATE_MODIFY, "
    "updatedTime",
    "manager": "Ответственный, Responsible, Responsible person, ASSIGNED_BY_ID",
    "amount": "Сумма, Возможная сумма, Возможная сумма сделки, Income, Amount, Total, OPPORTUNITY",
    "currency": "Валюта, Currency, CURRENCY_ID",
    "source": "Источник, Source, SOURCE_ID",
    "loss_reason": "Причина отказа, Причина провала, Причина проигрыша, Loss reason, Lost reason",
    "account_id": "Компания, Company, COMPANY_ID", "contact": "CONTACT_ID",
    "form": "Создана CRM-формой, Создан CRM-формой, Created by CRM form, WEBFORM_ID",
    "is_repeat": "Повторная сделка, Повторный лид, Repeat deal, Repeat lead, IS_RETURN_CUSTOMER",
    "assumed_close": "Предполагаемая дата закрытия, Assumed close date, CLOSEDATE",
}  # fmt: skip
DEAL = _FACTS | {
    "lead_id": "ID", "stage": "Стадия сделки, Стадия, Stage, Deal stage", "stage_id": "STAGE_ID",
    "semantic": "Группа стадий, Deal status, Stage group, STAGE_SEMANTIC_ID",
    "pipeline": "Воронка, Направление, Pipeline, CATEGORY_ID",
    "closed": "Сделка закрыта, Закрыта, Closed, Deal closed", "moved_at": "MOVED_TIME",
    "product": "Товар, Product", "price": "Цена, Price", "quantity": "Количество, Quantity",
    "of_lead": "ID лида, Lead ID", "entity": "entityTypeId",
}  # fmt: skip
LEAD = _FACTS | {
    "lead_id": "ID", "stage": "Статус, Стадия, Status, Stage", "stage_id": "STATUS_ID",
    "semantic": "Группа стадий, Группа статусов, Status group, STATUS_SEMANTIC_ID",
    "closed_at": "DATE_CLOSED",
}  # fmt: skip
_DEAL = {
    "times": ("created_at", "modified_at", "moved_at"),
    "numbers": ("amount", "price", "quantity"),
}
_LEAD = {"times": ("created_at", "modified_at", "closed_at"), "numbers": ("amount",)}
KINDS = (
    Kind(NAME, "export",
         ("ID", "Стадия сделки, Стадия, Stage, Deal stage",
          "Предполагаемая дата закрытия, Сделка закрыта, Повторная сделка, Повторное обращение, "
          "Создана CRM-формой, Группа стадий, Название сделки, Assumed close date, Repeat deal, "
          "Repeat inquiry, Created by CRM form"),
         DEAL, **_DEAL),
    Kind(NAME, "leads_export",
         ("ID", "Статус, Стадия, Status, Stage",
          "Название лида, Лид, Повторный лид, Создан CRM-формой, Дополнительно о статусе, "
          "Дополнительно о стадии, Lead name, Repeat lead, Created by CRM form"),
         LEAD, **_LEAD),
    Kind(NAME, "deals",
         ("ID", "STAGE_ID", "ASSIGNED_BY_ID, OPPORTUNITY", "DATE_CREATE, createdTime"),
         DEAL, **_DEAL),
    Kind(NAME, "leads",
         ("ID", "STATUS_ID", "ASSIGNED_BY_ID, OPPORTUNITY, SOURCE_ID", "DATE_CREATE, createdTime"),
         LEAD, **_LEAD),
    Kind(NAME, "moves", ("OWNER_ID", "CREATED_TIME", "STAGE_ID, STATUS_ID", "TYPE_ID"),
         {"owner_id": "OWNER_ID", "at": "CREATED_TIME", "type": "TYPE_ID", "stage_id": "STAGE_ID",
          "status_id": "STATUS_ID", "semantic": "STAGE_SEMANTIC_ID",
          "lead_semantic": "STATUS_SEMANTIC_ID"}, times=("at",)),
    Kind(NAME, "activities", ("ID", "OWNER_ID", "OWNER_TYPE_ID", "PROVIDER_ID, TYPE_ID, DIRECTION",
                              "CREATED, START_TIME"),
         {"id": "ID", "owner": "OWNER_TYPE_ID", "owner_id": "OWNER_ID", "provider": "PROVIDER_ID",
          "type": "TYPE_ID", "way": "DIRECTION", "at": "START_TIME", "created": "CREATED",
          "done": "COMPLETED", "duration": "CALL_DURATION, SETTINGS.CALL_DURATION"},
         times=("at", "created")),
    Kind(NAME, "calls", ("CALL_ID", "CALL_TYPE", "CALL_START_DATE", "PHONE_NUMBER, CRM_ENTITY_ID"),
         {"activity_id": "CRM_ACTIVITY_ID", "owner": "CRM_ENTITY_TYPE", "owner_id": "CRM_ENTITY_ID",
          "way": "CALL_TYPE", "at": "CALL_START_DATE", "duration": "CALL_DURATION",
          "phone": "PHONE_NUMBER"}, times=("at",)),
    Kind(NAME, "contacts", ("ID", "LAST_NAME", "HAS_PHONE, PHONE.0.VALUE"), {"owner_id": "ID"}),
    Kind(NAME, "companies", ("ID", "COMPANY_TYPE, INDUSTRY", "HAS_PHONE, PHONE.0.VALUE"),
         {"owner_id": "ID"}),
    Kind(NAME, "dictionary", ("ENTITY_ID", "STATUS_ID", "NAME"),
         {"of": "ENTITY_ID", "id": "STATUS_ID", "name": "NAME",
          "semantic": "SEMANTICS, EXTRA.SEMANTICS"}),
    Kind(NAME, "categories", ("id", "name", "sort", "entityTypeId, isDefault, IS_LOCKED"),
         {"id": "id", "name": "name"}),
    Kind(NAME, "category_pages", ("result.categories.0.id", "result.categories.0.name")),
    Kind(NAME, "users", ("ID", "NAME", "LAST_NAME", "ACTIVE, IS_ONLINE, WORK_POSITION"),
         {"id": "ID", "name": "NAME", "last_name": "LAST_NAME"}),
)  # fmt: skip

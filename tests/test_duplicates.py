"""Clients entered twice: found where they were planted, told, left out, merged; else nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prove_duplicates import enter_twice, make_accounts
from test_bitrix24 import deal, lead, page

from funnel_lib.audit import build_audit
from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.events import build_log, lead_codes
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.counting.duplicates import (
    check_duplicates,
    find_first_entries,
    find_second_entries,
    merge_duplicates,
)
from funnel_lib.datasets.planted import plant_log
from funnel_lib.reading.contacts import find_contacts, number_clients
from funnel_lib.reading.export import read_export
from funnel_lib.sections.quality.conclusions import list_problems, tell_conclusions

N = 1500
WITHIN = 0.01  # the share told may differ so much from the share planted


def make_log(rows, **more):
    """Leads of one product: (id, client, created, closed, status), days of January."""
    columns = ["lead_id", "contact_key", "created_at", "closed_at", "status"]
    leads = pd.DataFrame(rows, columns=columns).assign(**{"product": "tea"} | more)
    day = pd.Timestamp("2025-01-01")
    for c in ("created_at", "closed_at"):
        leads[c] = day + pd.to_timedelta(leads[c].astype(float), unit="D")
    events = pd.DataFrame({"lead_id": leads["lead_id"], "action": "ask", "actor": "client"})
    events["at"] = leads["created_at"].fillna(day) + pd.Timedelta("1h")
    return build_log(events, leads, "2025-12-31")


def first_ids(log):
    ids = log.leads["lead_id"].to_numpy()
    return dict(zip(ids, ids[find_first_entries(log)], strict=True))


def test_by_hand():
    log = make_log([
        ("a", 1, 0, 30, "won"), ("b", 1, 3, 4, "lost"),  # b while a is open
        ("c", 1, 5, None, "open"),  # b is closed, a is not
        ("d", 2, 0, 2, "won"), ("e", 2, 3, None, "open"),  # bought, then again
        ("f", 3, 0, None, "open"), ("g", 3, 7.5, None, "open"),  # more than a week later
        ("h", 4, 0, None, "open"), ("i", 4, 5, None, "open"), ("j", 4, 10, 11, "lost"),  # a chain
        ("k", None, 0, None, "open"), ("l", None, 0, None, "open"),  # nobody knows who
    ])  # fmt: skip
    second = {"b": "a", "c": "a", "i": "h", "j": "h"}
    assert first_ids(log) == {i: second.get(i, i) for i in "abcdefghijkl"}
    row = check_duplicates(log).iloc[0]
    assert row["check"] == "duplicate_leads" and row["n_rows"] == 4
    assert row["share_of_rows"] == 4 / 12 and row["severity"] == "warning"
    assert row["example"] == "a · b; a · c; h · i"


def test_other_products_and_pipelines_are_other_matters():
    rows = [("a", 1, 0, None, "open"), ("b", 1, 1, None, "open")]
    assert find_second_entries(make_log(rows)).tolist() == [False, True]
    for column in ("product", "pipeline"):
        log = make_log(rows, **{column: ["tea", "cups"]})
        assert not find_second_entries(log).any()
    assert find_second_entries(make_log(rows, product=["Tea ", "tea"])).any()
    assert not find_second_entries(make_log(rows, product=["tea", None])).any()


def test_without_products_only_contacts_tell():
    rows = [("a", 1, 0, None, "open"), ("b", 1, 1, None, "open")]
    for product in (None, "", "tea"):
        log = make_log(rows, account_id="x")
        by_contact = replace(log, leads=log.leads.assign(product=product))
        by_account = replace(log, leads=by_contact.leads.drop(columns="contact_key"))
        assert find_second_entries(by_contact).any()
        assert find_second_entries(by_account).any() == (product == "tea")


def test_of_leads_without_contact_and_account_nothing_is_said():
    log = make_log([("a", None, 0, None, "open"), ("b", None, 0, None, "open")])
    assert not find_second_entries(log).any() and check_duplicates(log).empty
    assert merge_duplicates(log, find_first_entries(log)) is log


def test_without_creation_the_first_event_counts():
    log = make_log([("a", 1, None, None, "open"), ("b", 1, 2, None, "open"),
                    ("c", 1, 20, None, "open")])  # fmt: skip
    assert first_ids(log) == {"a": "a", "b": "a", "c": "c"}


def slowly(leads):
    """The same, told the slow way: every pair, then whoever is linked."""
    rows = leads.to_dict("records")
    first = list(range(len(rows)))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            same = a["contact_key"] == b["contact_key"] and a["product"] == b["product"]
            near = pd.Timedelta(0) <= b["created_at"] - a["created_at"] <= pd.Timedelta("7D")
            is_open = pd.isna(a["closed_at"]) or b["created_at"] < a["closed_at"]
            if i != j and same and near and is_open:
                low, high = sorted((first[i], first[j]))
                first = [low if x == high else x for x in first]
    return [{k for k, x in enumerate(first) if x == one} for one in first]


@pytest.mark.parametrize("seed", range(15))
def test_the_slow_way_tells_the_same(seed):
    rng = np.random.default_rng(seed)
    n = 40
    created = rng.integers(0, 200, n) / 5 + 0.01  # some at the same time
    closed = created + rng.integers(0, 60, n) / 5
    status = rng.choice(["won", "lost", "open"], n)
    rows = [(f"L{i:02}", int(rng.integers(6)), created[i],
             None if status[i] == "open" else closed[i], status[i]) for i in range(n)]  # fmt: skip
    log = make_log(rows, product=rng.choice(["tea", "cups"], n))
    first = find_first_entries(log)
    assert slowly(log.leads) == [{*np.flatnonzero(first == x)} for x in first]
    assert (log.leads["created_at"].to_numpy()[first] <= log.leads["created_at"]).all()
    again = merge_duplicates(log, first)
    assert len(again.leads) == len({*first}) and not find_second_entries(again).any()
    removed = again.removed.groupby("table")["rows"].sum()
    assert removed.get("leads", 0) == n - len(again.leads)
    assert again.rows_read == log.rows_read == len(again.events) + removed.get("events", 0)
    shuffled = rng.permutation(n)
    other = make_log([rows[i] for i in shuffled],
                     product=log.leads["product"].to_numpy()[shuffled])  # fmt: skip
    pd.testing.assert_frame_equal(
        merge_duplicates(other, find_first_entries(other)).leads, again.leads
    )


def test_a_merged_lead_has_one_outcome_and_what_belongs_to_it():
    log = make_log(
        [("a", 1, 0, 9, "lost"), ("b", 1, 2, 20, "won"), ("c", 1, 4, None, "open"),
         ("d", 2, 1, 5, "lost"), ("e", 2, 2, 4, "lost"), ("f", 3, 0, None, "open"),
         ("g", 3, 1, 3, "lost")],
        amount=[5.0, None, 7.0, None, 8.0, None, 3.0],
        currency=["EUR", "USD", "RUB", "USD", "EUR", None, "EUR"],
        manager=["Ann", "Bob", "Cid", "Dan", "Eve", None, "Gus"],
    )  # fmt: skip
    merged = merge_duplicates(log, find_first_entries(log))
    day = pd.Timestamp("2025-01-01", tz="UTC")
    days = {c: (merged.leads[c] - day).dt.days.tolist() for c in ("created_at", "closed_at")}
    assert merged.leads["lead_id"].tolist() == ["a", "d", "f"]
    assert merged.leads["status"].tolist() == ["won", "lost", "open"]
    assert days["created_at"] == [0, 1, 0] and days["closed_at"][:2] == [20, 5]
    assert np.isnan(days["closed_at"][2])
    assert merged.leads["manager"].tolist() == ["Bob", "Dan", "Gus"]
    assert merged.leads["amount"].tolist() == [7.0, 8.0, 3.0]
    assert merged.leads["currency"].tolist() == ["RUB", "EUR", "EUR"]
    assert np.bincount(lead_codes(merged)).tolist() == [3, 2, 2]
    assert merged.leads["has_row"].all()


@pytest.mark.parametrize("share", [0, 0.03, 0.15])
@pytest.mark.parametrize("honest", [False, True])
def test_planted_duplicates_are_told_within_a_point(share, honest):
    for seed in range(3):
        planted = plant_log("kettles", N, seed)
        leads = make_accounts(planted.leads) if honest else planted.leads
        events, twice, is_second = enter_twice(planted.events, leads, share, seed)
        log = build_log(events, twice, planted.truth["observed_until"])
        journeys = build_journeys(log, parse_steps(planted.steps_yaml))
        for source in (log, journeys):
            found = find_second_entries(source)
            assert abs(found.mean() - share) <= WITHIN
            assert found.any() == (share > 0)
        truth = pd.Series(is_second, index=twice["lead_id"])[log.leads["lead_id"]]
        assert (found == truth).mean() > 0.99
        if share and seed == 0:
            assert not find_habits(journeys).comparable[found].any()


def test_honest_deals_of_one_client_are_never_told():
    later = [(f"x{i}", 1, 8 * i, None, "open") for i in range(5)]  # all open, a week apart
    again = [(f"y{i}", 2, 2 * i, 2 * i + 1, "won") for i in range(5)]  # one after the other
    assert not find_second_entries(make_log(later + again)).any()


def test_of_accounts_whose_deals_come_close_by_chance_nothing_is_told():
    """Five deals of one product within a year: some are near each other, all the same."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        created = rng.uniform(0, 300, N)
        rows = [(f"L{i:04}", None, created[i], created[i] + 30, "lost") for i in range(N)]
        log = make_log(rows, account_id=[f"A{i // 5}" for i in range(N)])
        assert not find_second_entries(log).any(), seed


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A CRM in which 15 of 100 leads are second entries, as files with phones and mails."""
    folder = tmp_path_factory.mktemp("twice")
    planted = plant_log("kettles", 600, seed=2)
    leads = make_accounts(planted.leads)
    events, leads, is_second = enter_twice(planted.events, leads, 0.15, 2)
    client = pd.factorize(leads["account_id"])[0]
    phone = [f"9{n:09}" for n in 16_000_000 + client]
    written = [f"{'+7' if i % 2 else '8'} ({p[:3]}) {p[3:6]}-{p[6:]}" for i, p in enumerate(phone)]
    leads = leads.drop(columns="account_id").assign(Phone=written)
    leads["E-mail"] = [f" Client{n}@Mail.example " for n in client]
    events.to_csv(folder / "events.csv", index=False)
    leads.to_csv(folder / "leads.csv", index=False)
    (folder / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    return folder, planted, is_second, phone


def audit(folder, **more):
    files = {name: folder / f"{name}.{end}" for name, end in
             (("events", "csv"), ("leads", "csv"), ("steps", "yml"))}  # fmt: skip
    return build_audit(**files, segments="none", observed_until="2025-12-31", **more)


@pytest.fixture(scope="module")
def plain(twice):
    """The audit of it, second entries and all."""
    return audit(twice[0])


def test_contacts_are_known_and_never_written(twice, plain):
    _, planted, is_second, phone = twice
    found = plain
    quality = found.tables["quality"].set_index("check")
    assert abs(quality.loc["duplicate_leads", "share_of_rows"] - np.mean(is_second)) <= WITHIN
    assert found.log.leads["contact_key"].nunique() <= len(planted.leads)
    texts = "".join(t.to_csv() for t in found.tables.values())
    assert "contact_key" not in texts and "mail.example" not in texts.casefold()
    texts += found.log.leads.to_csv()
    assert not [p for p in phone if p in texts]
    for lang in ("en", "ru"):
        told = found.quality.tell(lang)
        assert Words(lang).text("check.duplicate_leads") in " ".join(told)
    assert "duplicate_leads" in set(list_problems(found.log)["check"])
    assert any("--merge-duplicates" in s for s in tell_conclusions(found.log, Words("en")))


def test_merging_gives_the_numbers_of_the_clients(twice, plain):
    folder, planted, is_second, _ = twice
    merged = audit(folder, merge_duplicates=True)
    entered = merged.tables["leads"]["entered_at"].notna()
    truth = (planted.truth_leads["status"] == "won").mean()
    share, before = (
        (t["status"] == "won")[t["entered_at"].notna()].mean()
        for t in (merged.tables["leads"], plain.tables["leads"])
    )
    assert abs(share - truth) < 0.005 and share - before > 0.02
    assert entered.sum() == len(planted.leads)
    removed = merged.log.removed.set_index("reason")["rows"]
    assert removed["second_entry"] == sum(is_second)
    assert merged.log.rows_read == plain.log.rows_read
    checks = set(merged.tables["quality"]["check"])
    assert "second_entry" in checks and "duplicate_leads" not in checks
    told = " ".join(merged.quality.tell("en"))
    assert f"bought: {share:.1%} instead of {before:.1%}" in told
    assert "Вторые записи" in " ".join(merged.quality.tell("ru"))
    assert plain.unmerged is None


def test_merging_changes_nothing_where_nobody_is_entered_twice(planted_folder):
    plain, merged = audit(planted_folder), audit(planted_folder, merge_duplicates=True)
    assert merged.unmerged is None
    for name, table in plain.tables.items():
        pd.testing.assert_frame_equal(table, merged.tables[name])


def number(cells, **more):
    table = pd.DataFrame(cells | more)
    ids = pd.Series([f"L{n}" for n in range(len(table))])
    return number_clients(find_contacts(table, ids), ids)


def test_contacts_written_otherwise_are_the_same():
    phones = ["8 (912) 345-67-89", "+7 912 345 67 89", "79123456789.0", "912 3456789 доб. 12",
              "9120000000", None, "00000000000", "2025-01-02"]  # fmt: skip
    found = number({"Рабочий телефон": phones})
    assert found.nunique() == 2 and (found[:4] == found[0]).all()
    assert found[5:].isna().all()
    both = number({"phone": ["9123456789", None, "9123456789"],
                   "E-mail": [" A@b.ru", "a@B.ru ; c@d.ru", None]})  # fmt: skip
    assert (both == both[0]).all()
    ids = number({"Contact ID": ["7", "8", "7.0"]})
    assert ids[0] == ids[2] != ids[1]


def test_what_is_no_clients_contact_tells_nothing():
    mail = ["a@b.ru"] * 3
    for header in ("Manager e-mail", "Email ответственного", "Company phone", "Created by", "Note"):
        assert number({header: mail}).isna().all(), header
    assert number({"phone": ["9123456789"] * 21}).isna().all()  # that of a reception
    assert number({"Contact": ["Ann Lee", "Ann Lee"]}).isna().all()


def test_contacts_of_a_crm_and_of_events(tmp_path):
    rows = ["lead_id,at,action,phone", "1,2025-01-01 10:00,ask,89123456789",
            "2,2025-01-02 11:00,ask,+7 912 345 67 89", "3,2025-01-02 12:00,ask,"]  # fmt: skip
    (tmp_path / "events.csv").write_text("\n".join(rows))
    log = read_export(tmp_path / "events.csv")
    assert find_first_entries(log).tolist() == [0, 0, 2]
    assert "phone" not in log.events


def test_contacts_of_a_crm_and_their_phones_tell_whose_deals_are(tmp_path):
    def person(number, phone):
        phones = [{"ID": "1234567", "VALUE": phone, "VALUE_TYPE": "WORK"}]
        return {"ID": number, "NAME": "Ann", "LAST_NAME": "Lee", "HAS_PHONE": "Y", "PHONE": phones}

    people = [person("70", "8 999 123-45-67"), person("71", "+7 (999) 123 45 67"),
              person("72", "+7 999 000-11-22")]  # fmt: skip
    whose = ["70", "71", "72", "72", None, None]
    deals = [deal(n, CONTACT_ID=who, STAGE_ID="NEW") for n, who in enumerate(whose, 1)]
    leads = [lead(7, PHONE=people[2]["PHONE"])]
    paths = [page(tmp_path, name, rows) for name, rows in
             (("deals", deals), ("contacts", people), ("leads", leads))]  # fmt: skip
    log = read_export(paths, observed_until="2025-12-31")
    client = log.leads.set_index("lead_id")["contact_key"]
    assert client["1"] == client["2"] != client["3"] == client["4"] == client["lead 7"]
    assert client[["5", "6"]].isna().all()

"""What stands on the page of each sample is words of its language, whoever reads them aloud."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from funnel_lib.core.steps import read_steps
from funnel_lib.reporting.claims import check_claims
from funnel_lib.reporting.report import write_report
from funnel_lib.settings import Settings

SAMPLES = {"en": "sample", "ru": "sample_ru"}
SPOKEN = ("alt", "aria-label", "title")  # attributes that people are shown or read
# Latin on a Russian page: names of products and files, what a CRM calls its own, ids of leads.
KNOWN = {
    "CRM", "Excel", "amoCRM", "HubSpot", "audit", "xlsx", "csv", "events", "leads", "tables", "UTC",
    "funnel_lib", "new_funnel", "hypotheses", "optional", "true", "incoming_", "DIRECTION", "form",
    "submission", "Connected", "invoice_paid", "p", "V",
}  # fmt: skip


class Spoken(HTMLParser):
    """Every text of a page but its code and styles, those of figures and attributes with them."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.silent = [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.silent += tag in ("style", "pre")
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag):
        self.silent -= tag in ("style", "pre")

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.texts.append(data.strip())


@pytest.fixture(scope="module", params=SAMPLES)
def page(request, root, tmp_path_factory):
    """Of a sample: the language, the steps file, the texts of the page, what is not claimed."""
    folder = root / "data" / SAMPLES[request.param]
    files = {"events": "events.csv", "leads": "leads.csv", "steps": "steps.yml"}
    out = tmp_path_factory.mktemp("spoken") / "out"
    given = {name: folder / file for name, file in files.items()}
    write_report(Settings(**given, lang=request.param, formats="html", out=out))
    html = (out / "report.html").read_text(encoding="utf-8")
    claims = json.loads((out / "claims.json").read_text(encoding="utf-8"))
    return request.param, folder / "steps.yml", Spoken(html).texts, check_claims(html, claims)


def test_people_are_shown_no_ids(page):
    """Neither steps nor actions nor segments by what machines call them."""
    _, path, texts, _ = page
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    actions = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", str(written))) | {*read_steps(path).ids}
    ids = {name for name in actions if "_" in name}
    assert len(ids) > 15
    shown = [text for text in texts if re.search(r"\bs\d\b", text)]
    for name in ids - KNOWN:
        shown += [text for text in texts if re.search(rf"\b{re.escape(name)}\b", text)]
    assert shown == []


def test_a_page_keeps_to_its_language(page):
    lang, _, texts, _ = page
    if lang == "en":
        assert [text for text in texts if re.search("[а-яё]", text, re.IGNORECASE)] == []
        return
    latin = {word for text in texts for word in re.findall(r"[A-Za-z_]+", text)}
    assert latin - KNOWN - {"L"} == set()


def test_a_page_has_its_signs(page):
    """A number below zero has a minus, and what a language writes stays together."""
    lang, _, texts, _ = page
    assert [text for text in texts if re.search(r"(?<![\w.–])-\d", text)] == []
    assert [text for text in texts if re.search(r"\d %" if lang == "ru" else r"\d\s%", text)] == []
    assert [text for text in texts if re.search(r"  |\bnan\b| [,;:.](?:\s|$)", text)] == []


def test_every_number_of_a_page_is_claimed(page):
    *_, unclaimed = page
    assert unclaimed == []

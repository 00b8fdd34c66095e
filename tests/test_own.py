"""What a report's maker adds of his own: logo, notes, links to the CRM, PDF."""

import re
from base64 import b64decode

import pytest

import funnel_lib as fl
from funnel_lib.core.errors import InputError
from funnel_lib.reporting.report import write_report
from funnel_lib.sections.own import read_logo, read_notes
from funnel_lib.settings import Settings

PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
NOTES = """\
## page_one
Spoke with **Gleb**, <script>alert(1)</script> [here](javascript:alert(1)).

## losses
- first
"""


@pytest.fixture
def given(planted_folder, tmp_path):
    """Settings of a report with all of it."""
    (tmp_path / "logo.png").write_bytes(PNG)
    (tmp_path / "notes.md").write_text(NOTES, encoding="utf-8")
    files = {n: str(planted_folder / f"{n}.{end}") for n, end in
             (("events", "csv"), ("leads", "csv"), ("steps", "yml"))}  # fmt: skip
    own = {"logo": str(tmp_path / "logo.png"), "notes": str(tmp_path / "notes.md")}
    return files | own | {"lead_url": "https://crm.example/d/{id}?a=1&b", "segments": "none"}


def test_a_report_holds_what_its_maker_adds(given, tmp_path):
    write_report(Settings(**given, out=tmp_path / "out", formats="html"))
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'class="logo" src="data:image/png;base64,' in html
    first, losses = re.findall(r'<aside class="note">(.*?)</aside>', html, flags=re.S)
    assert html.index(first) < html.index("<nav") < html.index('id="losses"') < html.index(losses)
    assert "<strong>Gleb</strong>" in first and "&lt;script&gt;" in first
    assert "javascript" not in html and losses.count("<li>") == 1
    link = r'<a href="https://crm.example/d/(L\d+)\?a=1&amp;b">\1</a>'
    assert len(re.findall(link, html[: html.index("<nav")])) == 3  # page one names them
    assert re.search(link, html[html.index('id="open_leads"') :])
    kept = (tmp_path / "notes.md").read_text(encoding="utf-8")
    assert kept == NOTES


def test_links_hold_any_id():
    words = fl.Words("en", lead_url="https://crm.example/{id}")
    table = fl.load_sample()["leads"].head(1).assign(lead_id='a/"b" <c>')
    shown = fl.show_table(table, words, ["lead_id"]).html
    assert (
        '<a href="https://crm.example/a%2F%22b%22%20%3Cc%3E">a/&quot;b&quot; &lt;c&gt;</a>' in shown
    )


def test_what_is_wrong_is_told_at_once_and_before_the_run(given, tmp_path):
    (tmp_path / "logo.png").write_text("no picture")
    (tmp_path / "notes.md").write_text("before\n## lossse\nx", encoding="utf-8")
    wrong = given | {"lead_url": "crm.example/7"}
    with pytest.raises(InputError) as error:
        fl.build_audit(Settings(**wrong))
    told = "\n".join(error.value.problems)
    assert "no picture that browsers show" in told and "“lossse”; did you mean losses?" in told
    assert "text before the first heading" in told and "{id}" in told


@pytest.mark.parametrize(
    ("data", "kind"),
    [(PNG, "png"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFFabcdWEBP", "webp"),
     (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "svg+xml")],
)  # fmt: skip
def test_pictures_are_known_by_how_they_begin(data, kind, tmp_path):
    (tmp_path / "logo").write_bytes(data)
    assert read_logo(str(tmp_path / "logo")).startswith(f"data:image/{kind};base64,")


@pytest.mark.parametrize("data", [b"", b"<html/>", b"%PDF", PNG + bytes(1 << 20)])
def test_other_files_are_no_logo(data, tmp_path):
    (tmp_path / "logo").write_bytes(data)
    with pytest.raises(InputError, match="logo"):
        read_logo(str(tmp_path / "logo"))
    with pytest.raises(InputError, match="cannot be read"):
        read_logo(str(tmp_path / "nowhere"))


def test_notes_in_another_encoding_are_refused(tmp_path):
    (tmp_path / "notes.md").write_bytes("## losses\nзаметка".encode("cp1251"))
    with pytest.raises(InputError, match="UTF-8"):
        read_notes(str(tmp_path / "notes.md"))


def test_pdf_says_what_to_install(given, monkeypatch):
    monkeypatch.setattr("funnel_lib.audit.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        fl.build_audit(Settings(**given, formats="pdf"))


def test_a_report_is_printed(given, tmp_path):
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    write_report(Settings(**given, out=tmp_path / "out", formats="html,pdf"))
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")

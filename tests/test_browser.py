"""The report in a browser: nothing is wider than the page, no table scrolls, nothing fetched."""

import html
import json
import re
import shutil
import subprocess

import pytest

from funnel_lib.reporting.report import write_report
from funnel_lib.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (360, 768, 900, 1280)  # at 900 tables stop to stand as lists
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Shows the page at each width with everything unfolded, and writes what is wrong into the title.
PROBE = """<!DOCTYPE html><title></title><body><script>
const told = {};
for (const width of WIDTHS) {
  const frame = document.createElement("iframe");
  Object.assign(frame, {width, height: 900, srcdoc: PAGE});
  frame.onload = () => {
    const page = frame.contentDocument;
    for (const part of page.querySelectorAll("details")) part.open = true;
    const isWide = e => e.getBoundingClientRect().right > width + 1 && !e.closest(".table, pre");
    const scrolls = e => e.matches(".table") && e.scrollWidth > e.clientWidth + 1;
    const wide = [...page.body.querySelectorAll("*")].filter(e => isWide(e) || scrolls(e));
    told[width] = wide.map(e => e.outerHTML.slice(0, 80));
    const ids = [...page.querySelectorAll("nav a")].map(a => a.getAttribute("href").slice(1));
    told.lost = ids.filter(id => !page.getElementById(id));
    told.links = ids.length;
    document.title = JSON.stringify(told);
  };
  document.body.append(frame);
}
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_report_fits_every_width_and_fetches_nothing(planted_folder, tmp_path):
    ends = {"events": "csv", "leads": "csv", "steps": "yml"}
    files = {name: planted_folder / f"{name}.{end}" for name, end in ends.items()}
    write_report(Settings(**files, segments="2", lang="ru", formats="html", out=tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?!#|data:)[\w/]""", page)
    page = page.replace(
        "<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    )
    shown = json.dumps(page).replace("</", "<\\/")
    probe = PROBE.replace("WIDTHS", json.dumps(WIDTHS)).replace("PAGE", shown)
    (tmp_path / "probe.html").write_text(probe, encoding="utf-8")
    own = [f"--user-data-dir={tmp_path / 'user'}", "--virtual-time-budget=5000", "--dump-dom"]
    call = [CHROMIUM, *FLAGS, *own, f"file://{tmp_path / 'probe.html'}"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120)
    told = json.loads(html.unescape(re.search("<title>(.+?)</title>", done.stdout, re.DOTALL)[1]))
    assert told.pop("links") >= 15
    assert told == {**{str(width): [] for width in WIDTHS}, "lost": []}

"""The report in a browser: nothing is wider than the page, nothing fetched, nothing that some
readers cannot use. `make browser` sets up what is needed; without it these tests are skipped."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from funnel_lib.reporting.report import write_report
from funnel_lib.settings import Settings

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
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
# Unfolds everything, and writes what axe-core finds into the title.
JUDGE = """<script>CODE</script><script>
window.addEventListener("load", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
  const tell = v => [v.id, ...v.nodes.slice(0, 3).map(n => n.html.slice(0, 120))];
  axe.run().then(found => { document.title = JSON.stringify(found.violations.map(tell)); });
});
</script></body>"""
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def page(planted_folder, tmp_path_factory) -> str:
    """A report in Russian."""
    out = tmp_path_factory.mktemp("browser") / "out"
    ends = {"events": "csv", "leads": "csv", "steps": "yml"}
    files = {name: planted_folder / f"{name}.{end}" for name, end in ends.items()}
    write_report(Settings(**files, segments="2", lang="ru", formats="html", out=out))
    return (out / "report.html").read_text(encoding="utf-8")


def read_title(page: str, folder: Path, width: int = 1280):
    """What a page has written into its title, as JSON."""
    (folder / "page.html").write_text(page, encoding="utf-8")
    own = [f"--user-data-dir={folder / 'user'}", f"--window-size={width},900"]
    own += ["--virtual-time-budget=20000", "--dump-dom", f"file://{folder / 'page.html'}"]
    done = subprocess.run([CHROMIUM, *FLAGS, *own], capture_output=True, text=True, timeout=120)
    told = re.search("<title>(.+?)</title>", done.stdout, re.DOTALL)
    return json.loads(html.unescape(told[1]))


@needs_chromium
def test_a_report_fits_every_width_and_fetches_nothing(page, tmp_path):
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?!#|data:)[\w/]""", page)
    page = page.replace(
        "<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    )
    shown = json.dumps(page).replace("</", "<\\/")
    probe = PROBE.replace("WIDTHS", json.dumps(WIDTHS)).replace("PAGE", shown)
    told = read_title(probe, tmp_path)
    assert told.pop("links") >= 15
    assert told == {**{str(width): [] for width in WIDTHS}, "lost": []}


@needs_chromium
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize("width", [360, 1280])
def test_a_report_can_be_read_by_whoever_reads_otherwise(page, tmp_path, width):
    code = AXE.read_text(encoding="utf-8").replace("</", "<\\/")
    judged = page.replace("</body>", JUDGE.replace("CODE", code))
    assert read_title(judged, tmp_path, width) == []

"""The report as PDF, by WeasyPrint (extra ``pdf``)."""

from __future__ import annotations

from pathlib import Path


def write_pdf(html: str, path: Path) -> None:
    """Print a page; nothing is fetched for it, and its pages are numbered."""
    from weasyprint import HTML

    HTML(string=html, url_fetcher=_fetch_nothing).write_pdf(path)


def _fetch_nothing(url: str, *given, **settings) -> dict:
    """Give pictures that stand in the page itself; refuse every other address."""
    from weasyprint.urls import default_url_fetcher

    if not url.startswith("data:"):
        raise ValueError("a report fetches nothing")
    return default_url_fetcher(url)

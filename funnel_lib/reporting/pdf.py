"""The report as PDF, by WeasyPrint (extra ``pdf``)."""

from __future__ import annotations

from pathlib import Path


def write_pdf(html: str, path: Path) -> None:
    """Print a page; nothing is fetched for it, only pictures that stand in the page itself."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=["data"])).write_pdf(path)

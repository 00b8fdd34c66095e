"""Runs of notebooks, the page, the workbook, the tables on disk."""

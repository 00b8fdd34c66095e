"""Texts as times, numbers, currencies, people, outcomes."""

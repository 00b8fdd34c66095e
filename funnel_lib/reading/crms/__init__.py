"""The exports of five CRMs, a module each."""

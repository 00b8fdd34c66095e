"""A part of each claim on reading that `make prove` tries at length."""

import pytest
from prove_readers import CLAIMS, prove_readers, read_slowly, try_claim

# About 12 seconds in all.
EXAMPLES = dict(zip(CLAIMS, (100, 75, 50, 150, 60, 40), strict=True))


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_hold(name):
    try_claim(name, EXAMPLES[name], first_seed=1)


def test_the_slow_reader():
    assert read_slowly('a;b\n"x\ny";"1""2"\n"p"q;r"s\n') == [
        ["a", "b"], ["x\ny", '1"2'], ["pq", 'r"s'],
    ]  # fmt: skip
    assert read_slowly('1;"x\n2;"y"\n3;z\n') == [["2", "y"], ["3", "z"]]


def test_the_table_of_claims_names_a_failure(monkeypatch):
    def fail(**_):
        raise AssertionError("not|so")

    (name, (ways, _, _)), *_ = CLAIMS.items()
    monkeypatch.setattr("prove_readers.CLAIMS", {name: (ways, fail, 5)})
    table, fine = prove_readers()
    assert not fine and table.endswith("| 5 | AssertionError: not/so |")

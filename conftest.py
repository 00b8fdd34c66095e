"""What examples in docstrings may use without importing it."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _names_of_examples(doctest_namespace):
    import numpy as np
    import pandas as pd

    import funnel_lib as fl

    doctest_namespace |= {"np": np, "pd": pd, "fl": fl}
    doctest_namespace |= {
        name: getattr(fl, name)
        for name in ("Group", "Steps", "Words", "build_journeys", "build_log", "parse_steps")
    }
    doctest_namespace |= {name: getattr(fl, name) for name in ("plant_log", "write_planted")}

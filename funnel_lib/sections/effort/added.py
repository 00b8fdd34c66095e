"""What each lead adds to sums of a group, for drawing leads again."""

from __future__ import annotations

import numpy as np

from funnel_lib.core.groups import Group
from funnel_lib.core.tallies import Tallies
from funnel_lib.stats.intervals import add_by_sizes
from funnel_lib.stats.resampling import Summands


def list_added(
    counted: Tallies,
    groups: list[Group],
    factors: list[np.ndarray],
    which: np.ndarray,
    marks: np.ndarray,
) -> Summands:
    """What does each lead that entered add to the sums over w, factor and mark, group by group?

    Parameters
    ----------
    counted : with the memberships of the groups; w is a group's own, 1 for all leads
    factors : each (n_leads,), such as amounts of money
    which : (n_sums,) the factor of each sum
    marks : (n_walks, n_sums), such as who went on at a step

    Memberships are estimated from the same leads, so a lead adds to a segment's sum by changing
    what the others belong to, too. The sums are the same as without that.
    """
    entered = counted.entered
    totals = np.column_stack([counted.add_up(factor) for factor in factors])[:, which] * marks
    own, besides = [], []
    for group in groups:
        alone = group.memberships is None
        weights = entered * (1.0 if alone else counted.members[:, group.column])
        own.append(marks * weights[:, None])
        besides.append(np.zeros(marks.shape))
        if not alone and counted.members.shape[1] > 1:
            mine = counted.members[entered], group.column, totals[entered], counted.n[entered]
            besides[-1][entered] = add_by_sizes(*mine)
    return Summands(
        counted.of_lead,
        [np.asarray(factor, float) for factor in factors],
        np.tile(which, len(groups)),
        np.hstack(own),
        np.hstack(besides),
    )

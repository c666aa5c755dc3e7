"""Rows whose group (patient, user, machine, document) also stands in the other set."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.resampling import clopper_pearson


class GroupOverlap(Measure):
    r"""Share of current rows whose group also has rows in the reference set.

    .. math:: \hat p = \frac{1}{n} \sum_i 1[g_i \in G_\text{ref}], \quad
              n_\text{eff} = \frac{n^2}{\sum_g n_g^2}

    The interval is Clopper and Pearson's at the effective number of rows, since the rows of a group overlap together or
    not at all. It speaks of further rows drawn the same way; of the rows given, the share is exact.

    Use it when a split should keep groups apart: a model that meets a known patient again may recognise the patient.
    An overlap is harmless where the model will also meet known groups in use, and wanted where every group is to be
    predicted. It fails when the same entity carries another code in the other set, and says nothing where each row is a
    group of its own.

    >>> share = GroupOverlap(level=0.8).measure(ref_group=[0, 0, 1], cur_group=[1, 1, 2, 3])
    >>> [round(number, 2) for number in share[:4]]
    [0.5, 0.09, 0.91, 4]
    """

    source = "clopper1934use"
    claims = ("shared_groups",)

    level: float = 0.9

    def measure(self, ref_group: np.ndarray, cur_group: np.ndarray) -> Estimate:
        groups, code = np.unique(cur_group, return_inverse=True)
        sizes = np.bincount(code.reshape(-1))
        n = len(cur_group)
        share = float(sizes[np.isin(groups, ref_group)].sum() / n)
        effective = n**2 / float((sizes.astype(np.float64) ** 2).sum())
        return Estimate(share, *clopper_pearson(share, effective, self.level), n)

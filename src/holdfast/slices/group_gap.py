"""The group that the model serves worst."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.ops.binning import Moments, moments
from holdfast.slices._gap import welch


class GroupGap(Measure):
    r"""Largest gap between the mean loss of a group and that of all other rows, corrected for having looked for it.

    .. math:: \Delta_g = \bar\ell_g - \bar\ell_{\bar g}, \quad g^* = \arg\max_g \Delta_g / \mathrm{se}_g, \quad
              p = 1 - (1 - \min_g p_g)^G

    The interval of the worst group has the level :math:`0.9^{1/G}` and covers with 90 % whichever group it is. Groups
    with fewer than `least_rows` rows are not judged; `left_out_` names them. `worst_` is the code of the worst group,
    `groups_` every group's gap with an interval and p-value of its own, corrected in the same way.

    Use it when rows fall into known groups (a site, a device, a category) and one may be served worse. It fails where
    the weak rows are a part of several groups (search for slices then), and its gap says nothing about the cause.

    >>> loss = [0.1, 0.3] * 4 + [0.2, 0.4] * 4 + [0.9, 1.1] * 2
    >>> finder = GroupGap(least_rows=5)
    >>> round(finder.measure(loss=loss, group=[0] * 8 + [1] * 8 + [2] * 4).value, 2), finder.worst_, finder.left_out_
    (-0.17, 1, (2,))
    >>> finder = GroupGap(least_rows=4)
    >>> round(finder.measure(loss=loss, group=[0] * 8 + [1] * 8 + [2] * 4).value, 2), finder.worst_
    (0.75, 2)
    """

    source = "welch1947generalization"
    claims = ("group_gap",)
    least_rows: int = 10

    def measure(self, loss: np.ndarray, group: np.ndarray) -> Estimate:
        """The worst group's gap; the p-value is for "no group is worse than the rest"."""
        codes, place = np.unique(group, return_inverse=True)
        within = moments(place, np.asarray(loss, dtype=np.float64), len(codes))
        judged = (within.sizes >= self.least_rows) & (within.sizes < len(loss))
        self.left_out_ = tuple(codes[~judged].tolist())
        number = int(judged.sum())
        if number == 0:
            raise ValueError(
                f"group has no group of at least {self.least_rows} of the {len(loss)} rows beside other rows: "
                "no gap can be judged. Lower least_rows, or join small groups."
            )
        level = 0.9 ** (1 / number)
        gaps = {int(codes[g]): _against_rest(within, g, level) for g in np.flatnonzero(judged).tolist()}
        self.groups_ = {code: one._replace(pvalue=_sidak(one.pvalue, number)) for code, one in gaps.items()}
        self.worst_ = min(gaps, key=lambda code: (gaps[code].pvalue, -gaps[code].value))
        return self.groups_[self.worst_]


def _against_rest(within: Moments, group: int, level: float) -> Estimate:
    """From the groups' moments alone: a million rows in a thousand groups are read once."""
    sizes, means = within.sizes, within.means
    rest = sizes.sum() - sizes[group]
    rest_mean = (sizes @ means - sizes[group] * means[group]) / rest
    others = np.arange(len(sizes)) != group
    squares = sizes[others] @ (within.variances[others] + (means[others] - rest_mean) ** 2)
    errors = np.array([squares / rest / rest, within.variances[group] / sizes[group]])
    return welch(means[group] - rest_mean, errors, np.array([rest, sizes[group]]), level)


def _sidak(pvalue: float | None, tests: int) -> float:
    """Chance that the smallest of so many p-values is this small."""
    return float(-np.expm1(tests * np.log1p(-min(pvalue or 0.0, 1 - 1e-16))))

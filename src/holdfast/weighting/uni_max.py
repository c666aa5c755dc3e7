"""UniMax."""

from __future__ import annotations

import numpy as np

from holdfast.core import Mixer


class UniMax(Mixer):
    r"""Groups as alike as can be without repeating any more than `epochs` times.

    .. math:: b_i = \min\Big( \frac{B - \sum_{j < i} b_j}{G - i + 1}, \; N n_i \Big) \text{ for } n_1 \le \dots \le n_G,
              \qquad p_i = b_i / \sum_j b_j

    B is `budget`, how many examples will be drawn (in the unit of the sizes), N is `epochs`. Costs G log G.

    Use it when scarce groups (languages, domains) should count like the others, and not be learnt by heart. It fails
    to favour any group, good or bad: proportions know sizes only.

    100 draws over groups of 5, 40 and 1,000: the first may be seen twice, the rest is shared:

    >>> UniMax(epochs=2.0).mix_groups(sizes=[5.0, 1000.0, 40.0], budget=100).tolist()
    [0.1, 0.45, 0.45]
    """

    source = "chung2023unimax"
    claims = ("unequal_groups",)

    epochs: float = 4.0

    def mix_groups(self, sizes: np.ndarray, budget: int) -> np.ndarray:
        """(G,) sampling proportions."""
        if self.epochs <= 0:
            raise ValueError(f"epochs is {self.epochs}; expected above 0: how often a row of sizes may be seen.")
        if sizes.max() <= 0:
            raise ValueError("sizes are all 0; expected at least one group with rows.")
        share, left = np.zeros(len(sizes)), float(budget)
        for place, group in enumerate(np.argsort(sizes, kind="stable")):
            share[group] = min(left / (len(sizes) - place), self.epochs * float(sizes[group]))
            left -= share[group]
        return share / share.sum()

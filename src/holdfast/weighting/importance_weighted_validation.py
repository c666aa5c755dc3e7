"""Importance-weighted validation."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure
from holdfast.weighting._validation import share, weighted_hits


class ImportanceWeightedValidation(Measure):
    r"""The accuracy on the target, from held-out reference rows that are weighted to look like it.

    .. math:: \frac{1}{n} \sum_i w(x_i) [\hat y(x_i) = y_i]

    w is a logistic density ratio that meets the target's moments, or a `ValueError`. `ref_probs` are of rows that the
    model has not seen. The interval holds the noise of both samples, not that of the weights' form. Larger is better:
    the scores of several models or settings choose one without labels of the target. Costs (n + m) d^2.

    Use it when inputs moved and the relation did not, and both samples overlap, to choose among adapted models. It
    fails when few rows carry all weight, and does not see that a relation changed.

    Ones are three in four in the target and always right, zeros are right every other time:

    >>> ref_X, cur_X = [[0.0], [1.0]] * 40, [[0.0], [1.0], [1.0], [1.0]] * 20
    >>> probs, y = [[1.0, 0.0], [0.0, 1.0]] * 40, [0, 1, 1, 1] * 20
    >>> ImportanceWeightedValidation().measure(ref_X=ref_X, ref_y=y, ref_probs=probs, cur_X=cur_X).value.__round__(2)
    0.87
    """

    source = "sugiyama2007covariate"
    claims = ("validated",)

    def measure(self, ref_X: np.ndarray, ref_y: np.ndarray, ref_probs: np.ndarray, cur_X: np.ndarray) -> Estimate:
        """The estimated accuracy on the target with its 90 % interval."""
        weights, right = weighted_hits(ref_X, ref_y, ref_probs, cur_X)
        return share(weights * right, len(cur_X))

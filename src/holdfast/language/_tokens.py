"""What several readers of token log-probabilities share."""

from __future__ import annotations

import numpy as np


def lowest_mean(values: np.ndarray, share: float) -> np.ndarray:
    """Mean of the `share` lowest numbers of every row, at least one; NaN after a row's end is no number.

    >>> lowest_mean(np.array([[-1.0, -4.0, -2.0, -3.0], [-5.0, -1.0, np.nan, np.nan]]), 0.5).tolist()
    [-3.5, -5.0]
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected above 0 and at most 1: which part of token_log_probs counts.")
    lengths = (~np.isnan(values)).sum(axis=-1)
    taken = np.maximum((lengths * share + 1e-9).astype(np.int64), 1)
    sums = np.nancumsum(np.sort(values, axis=-1), axis=-1, dtype=np.float64)  # NaN is sorted to the end
    return np.take_along_axis(sums, taken[..., None] - 1, axis=-1)[..., 0] / taken

"""Underspecification: runs that agree where they were tested and part where they are used."""

from __future__ import annotations

import numpy as np

from holdfast.core import Estimate, Measure


class Underspecification(Measure):
    r"""How much more runs that differ by their seed alone spread on a stress test than on the usual one.

    .. math:: \sigma_\text{stress} - \sigma_\text{iid}, \qquad
        \sigma^2 = \frac{n \, \mathrm{Var}_r(\mathrm{acc}_r) - \overline{\mathrm{Var}_r(c_{ri})}}{n - 1}

    Both spreads are freed from the chance of a finite test set; the p-value is for "no wider on the stress test", by
    the jackknife over runs with the chance of the rows, which all runs share, added. Use it when one pipeline was run
    with ten seeds or more: a wide spread says that held-out accuracy does not determine how the model behaves. It fails
    with few runs, and says nothing about what all runs get wrong together.

    >>> iid = [[1, 1, 1, 0]] * 4  # all runs agree
    >>> stress = [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]  # half of them fail: sd of 1, 1, 0, 0
    >>> round(Underspecification().measure(iid, stress).value, 3)
    0.577
    """

    source = "damour2022underspecification"
    claims = ("unstable_when_faded",)

    def measure(self, ref_correct_runs: np.ndarray, cur_correct_runs: np.ndarray) -> Estimate:
        """The spread of accuracy on the stress test (`cur_`) above that on the usual one, with its 90 % interval."""
        from scipy.special import stdtr, stdtrit

        runs = len(ref_correct_runs)
        if runs < 4 or min(ref_correct_runs.shape[1], cur_correct_runs.shape[1]) < 2:
            raise ValueError(
                f"ref_correct_runs holds {runs} runs; the spread of a spread needs four, and two rows of each test."
            )
        sides = [_variances(right) for right in (ref_correct_runs, cur_correct_runs)]
        value = _root(sides[1][0]) - _root(sides[0][0])
        excess = sides[1][0] - sides[0][0]
        left_out = sides[1][1] - sides[0][1]
        rows = [_of_rows(right) for right in (ref_correct_runs, cur_correct_runs)]
        error = float(np.sqrt((runs - 1) / runs * ((left_out - left_out.mean()) ** 2).sum() + sum(rows)))
        tiny = float(np.finfo(float).tiny)
        pvalue = float(stdtr(runs - 1, -excess / error)) if error > 0 else (1.0 if excess <= 0 else tiny)
        spreads = np.sqrt(np.maximum(sides[1][1], 0)) - np.sqrt(np.maximum(sides[0][1], 0))
        jackknife = (runs - 1) / runs * ((spreads - spreads.mean()) ** 2).sum()
        on_root = [part / (4 * max(side[0], part**0.5)) for part, side in zip(rows, sides, strict=True) if part > 0]
        reach = float(stdtrit(runs - 1, 0.95) * np.sqrt(jackknife + sum(on_root)))
        return Estimate(value, value - reach, value + reach, runs, max(pvalue, tiny))


def _root(variance: float) -> float:
    return float(max(variance, 0.0)) ** 0.5


def _of_rows(right: np.ndarray) -> float:
    """The variance of the spread's square that other rows would make."""
    accuracy = right.mean(axis=1)
    pulls = 2 / (len(right) - 1) * ((accuracy - accuracy.mean()) @ (right - accuracy[:, None]))
    return float(pulls.var()) / (right.shape[1] - 1)


def _variances(right: np.ndarray) -> tuple[float, np.ndarray]:
    """The variance between runs on the distribution, of all runs and of all but one each."""
    runs, n = right.shape
    hits = right.sum(axis=0, dtype=np.float64)
    accuracy = right.mean(axis=1)

    def corrected(accuracies: np.ndarray, share: np.ndarray, count: int) -> float:
        alone = float((share * (1 - share)).mean()) * count / (count - 1)
        return (n * float(accuracies.var(ddof=1)) - alone) / (n - 1)

    every = corrected(accuracy, hits / runs, runs)
    rest = [corrected(np.delete(accuracy, r), (hits - right[r]) / (runs - 1), runs - 1) for r in range(runs)]
    return every, np.array(rest)

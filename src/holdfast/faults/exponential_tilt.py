"""A test population that leans towards one end of a column or of the main direction of the data."""

from __future__ import annotations

from typing import Literal

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import choose_column, numbers
from holdfast.faults._encode import SAMPLE, encode
from holdfast.faults._rows import column_of, keep_test, need_test, systematic_sample
from holdfast.faults._tables import CannotPlant, Tables, Truth


class ExponentialTilt(Fault):
    r"""Covariate shift: test rows are thinned so that their density is tilted along a direction z.

    .. math:: \tilde p(x) \propto e^{\theta z(x)} p(x), \qquad E_{\tilde p} z = E_p z + s \, \sigma_z

    The kept rows are drawn without replacement, so that no row stands twice; a row whose chance would exceed 1 is kept
    for certain, and missing cells count as the mean. What holds given x stays as it was.

    Use it when the people, places or products that come now may be others than before. It fails to plant large shifts:
    among half of the rows a mean cannot move by more than about 0.8 standard deviations.

    `along` is a number ("column": `column`, or one that is drawn) or the first principal direction of all features;
    `keep` is the share of test rows that stay, at any strength above 0.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": range(1000)})
    >>> tables = Tables(table, table, kinds={"x": "number"})
    >>> planted, truth = ExponentialTilt(keep=0.4, column="x").plant(tables, 0.5, np.random.default_rng(0))
    >>> planted.test.height, round(truth.amount, 2), truth.columns
    (400, 0.5, ('x',))
    >>> ExponentialTilt(along="principal direction").plant(tables, 0.5, np.random.default_rng(0))[1].columns
    ()
    """

    source = "qin1998inferences"
    unit = "standard deviations that the mean moves"
    strengths = (0.1, 0.2, 0.3, 0.5, 0.7)
    along: Literal["column", "principal direction"] = "column"
    column: str = ""
    keep: float = 0.5

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        if not 0 < self.keep < 1:
            raise ValueError(f"keep is {self.keep!r}; expected a share between 0 and 1.")
        z, name = self._direction(tables, rng)
        if strength == 0:
            return tables, Truth(columns=name)
        count = round(self.keep * len(z))
        chances = tilted_chances(z, count, strength)
        kept = systematic_sample(chances, np.lexsort((rng.random(len(z)), z)), rng)
        truth = Truth(
            columns=name,
            test_origin=kept,
            amount=float(z[kept].mean()),
            note=f"test rows thinned to {len(kept):,}, tilted along {name[0] if name else 'the principal direction'!r}",
        )
        return keep_test(tables, kept), truth

    def _direction(self, tables: Tables, rng: np.random.Generator) -> tuple[np.ndarray, tuple[str, ...]]:
        """(n,) the direction in the test table, mean 0 and standard deviation 1, and the column's name."""
        test = need_test(tables)
        if self.along == "column":
            name = choose_column(tables, self.column, ("number",), rng)
            return standardised(numbers(column_of(test, name))), (name,)
        train = encode(tables, tables.train[rng.permutation(tables.train.height)[:SAMPLE]])
        weights = np.linalg.eigh(np.cov(train, rowvar=False).reshape(train.shape[1], -1))[1][:, -1]
        return standardised(encode(tables, test) @ (weights * np.sign(weights[np.abs(weights).argmax()]))), ()


def standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1; cells that are not finite at the mean."""
    known = values[np.isfinite(values)]
    deviation = known.std() if len(known) else 0.0
    if not deviation > 0:
        raise CannotPlant("The direction does not vary in the test table.")
    return np.where(np.isfinite(values), (values - known.mean()) / deviation, 0.0)


def tilted_chances(z: np.ndarray, count: int, shift: float) -> np.ndarray:
    """(n,) chances of being kept, proportional to exp(theta z) and at most 1, that sum to `count` and move the mean."""
    order = np.argsort(-z, kind="stable")
    z = z[order]  # the largest first, sorted once
    if count < 1 or z[:count].mean() < shift:
        raise CannotPlant(
            f"No {count:,} rows of {len(z):,} have a mean that lies {shift:g} standard deviations higher."
        )
    low, high = 0.0, 1.0
    while _mean(z, count, high) < shift and high < 1e3:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean(z, count, middle) < shift else (low, middle)
    chances = np.empty(len(z))
    chances[order] = _chances(z, count, high)
    return chances


def _mean(z: np.ndarray, count: int, theta: float) -> float:
    return float(_chances(z, count, theta) @ z) / count


def _chances(z: np.ndarray, count: int, theta: float) -> np.ndarray:
    """Of rows that are sorted, the largest first."""
    weights = np.exp(theta * (z - z[0]))
    rest = np.cumsum(weights[::-1])[::-1]  # the weight of a row and of all below it
    certain = int(np.argmax((count - np.arange(count)) * weights[:count] <= rest[:count]))  # rows kept at chance 1
    return np.minimum(weights * (count - certain) / max(rest[certain], 1e-300), 1.0)

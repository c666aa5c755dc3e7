"""Numeric cells that are wrong here and there."""

from __future__ import annotations

import numpy as np

from holdfast.core import Fault
from holdfast.faults._columns import as_column, numbers, spread, varies
from holdfast.faults._rows import column_of, draw_rows, need_share, need_test, where
from holdfast.faults._tables import CannotPlant, Tables, Truth


class CellErrors(Fault):
    r"""Numeric cells of some test rows are wrong, every row in its own way.

    .. math:: \tilde x_{ij} = x_{ij} + a_{ij} \sigma_j \varepsilon_{ij}, \quad 10 \, x_{ij}
        \quad \text{or} \quad x_{ik}

    In a share of the test rows one numeric cell, and each of the others with probability `cells`, takes one of three
    errors, drawn anew for every cell: noise of two to five of the training column's standard deviations, a slip of the
    decimal point, or the cell of another numeric column of the same row.

    Use it when rows may be typed in, read from paper or sent over a bad line: no two of them are wrong alike, so that
    nothing about them can be learnt from the others. It fails where errors change nothing: a slip leaves 0 as it is.
    Missing and infinite cells stay; cells of whole-number columns are rounded, and stop at the end of their type.

    >>> import polars as pl
    >>> table = pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [30.0, 10.0, 20.0, 40.0]})
    >>> tables = Tables(table, table, kinds={"a": "number", "b": "number"})
    >>> planted, truth = CellErrors(cells=0.0).plant(tables, 0.5, np.random.default_rng(1))
    >>> planted.test["b"].round(1).to_list()  # noise in the first row, the other column's cell in the second
    [16.5, 2.0, 20.0, 40.0]
    """

    source = "schelter2021jenga"
    unit = "share of the test rows"
    strengths = (0.01, 0.05, 0.1, 0.2, 0.5)
    cells: float = 0.25

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        share, test = need_share(strength), need_test(tables)
        names = [name for name in tables.columns_of("number") if name != tables.target and varies(tables, name)]
        if len(names) < 2:
            raise CannotPlant("There are fewer than two numeric columns that vary in the training table.")
        rows = draw_rows(np.ones(test.height, dtype=bool), share, rng)
        old = [column_of(test, name) for name in names]
        deviations = np.array([spread(column_of(tables.train, name)) for name in names])
        values = np.column_stack([numbers(column) for column in old])
        wrong = self._wrong(values, deviations, rng)
        changes = rows[:, None] & np.isfinite(values) & np.isfinite(wrong)
        new = [
            where(changes[:, j], as_column(np.where(changes[:, j], wrong[:, j], values[:, j]), column, rng), column)
            for j, column in enumerate(old)
        ]
        differ = np.column_stack([a.ne_missing(b).to_numpy() for a, b in zip(new, old, strict=True)])
        is_wrong = np.logical_or.reduce(differ, axis=1)
        touched = np.logical_or.reduce(differ, axis=0)
        truth = Truth(
            test_rows=is_wrong,
            columns=tuple(name for name, is_touched in zip(names, touched, strict=True) if is_touched),
            amount=float(is_wrong.mean()),
            note=f"{differ.sum():,} cells in {is_wrong.sum():,} rows of the test table are wrong",
        )
        return tables.with_test(test.with_columns([c.alias(n) for n, c in zip(names, new, strict=True)])), truth

    def _wrong(self, values: np.ndarray, deviations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n, d) what the cells of every row would hold if it were among the wrong ones."""
        n, d = values.shape
        hit = rng.random((n, d)) < self.cells
        hit[np.arange(n), rng.integers(d, size=n)] = True
        noisy = values + deviations * rng.uniform(2, 5, (n, d)) * rng.normal(size=(n, d))
        others = np.take_along_axis(values, (np.arange(d) + rng.integers(1, d, (n, d))) % d, axis=1)
        return np.where(hit, np.choose(rng.integers(3, size=(n, d)), [noisy, 10 * values, others]), values)

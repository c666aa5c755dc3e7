"""Pictures of low resolution."""

from __future__ import annotations

import numpy as np

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImagePixelation(PictureFault):
    r"""The test pictures made coarser: averaged to fewer pixels and enlarged again.

    .. math:: \tilde x = E_r D_r x

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; r, the share of the height and width
    that is left, is 0.95, 0.9, 0.85, 0.75, 0.65 by severity, rounded to whole pixels.

    Use it when pictures may be small or enlarged. It fails to be real: cameras change several things at once.
    Pictures are polars arrays or paths in a column of kind image (changed copies are written into the tables'
    `pictures`), or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImagePixelation(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.25, 0.88], [True, True])
    """

    source = "hendrycks2019benchmarking"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        left = at_severity(strength, (0.95, 0.9, 0.85, 0.75, 0.65), without=1.0)

        def coarsen(x: np.ndarray) -> np.ndarray:
            for axis in (1, 2):
                x = _coarsened(x, axis, left)
            return x

        return corrupt(tables, self.shape, strength, coarsen, rng)


def _coarsened(x: np.ndarray, axis: int, left: float) -> np.ndarray:
    """Averages over cells along an axis, `left` times as many as there were, each repeated to the old length."""
    cell = (np.arange(x.shape[axis]) * max(1, int(left * x.shape[axis])) // x.shape[axis]).astype(int)
    sizes = np.bincount(cell)
    sums = np.add.reduceat(x, np.cumsum(sizes) - sizes, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = len(sizes)
    return np.take(sums / sizes.reshape(shape), cell, axis=axis)

"""Pictures with little contrast."""

from __future__ import annotations

import numpy as np

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImageContrast(PictureFault):
    r"""The contrast of the test pictures lowered.

    .. math:: \tilde x = c (x - \bar x) + \bar x

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; c is 0.75, 0.5, 0.4, 0.3, 0.15 by
    severity and the mean is that of a picture and channel.

    Use it when there may be fog, glare or a bad screen. It fails to be real: cameras change several things at once.
    Pictures are polars arrays or paths in a column of kind image (changed copies are written into the tables'
    `pictures`), or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImageContrast(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.32, 0.84], [True, True])
    """

    source = "hendrycks2019benchmarking"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        contrast = at_severity(strength, (0.75, 0.5, 0.4, 0.3, 0.15), without=1.0)

        def flatten(x: np.ndarray) -> np.ndarray:
            middle = x.mean(axis=(1, 2), keepdims=True)
            return contrast * (x - middle) + middle

        return corrupt(tables, self.shape, strength, flatten, rng)

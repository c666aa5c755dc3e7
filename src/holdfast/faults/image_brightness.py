"""Pictures that are too bright."""

from __future__ import annotations

import numpy as np

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImageBrightness(PictureFault):
    r"""The test pictures made brighter.

    .. math:: \tilde x = \min(x + b, 1)

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; b is 0.05, 0.1, 0.15, 0.2, 0.3 by
    severity.

    Use it when pictures may be exposed too long. It fails to be real: cameras change several things at once.
    Pictures are polars arrays or paths in a column of kind image (changed copies are written into the tables'
    `pictures`), or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImageBrightness(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.3, 1.0], [True, True])
    """

    source = "hendrycks2019benchmarking"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        lift = at_severity(strength, (0.05, 0.1, 0.15, 0.2, 0.3), without=0.0)
        return corrupt(tables, self.shape, strength, lambda x: x + lift, rng)

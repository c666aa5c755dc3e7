"""Pictures with Gaussian noise."""

from __future__ import annotations

import numpy as np

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImageNoise(PictureFault):
    r"""Gaussian noise added to every pixel of the test pictures.

    .. math:: \tilde x = x + \sigma \varepsilon, \quad \varepsilon \sim N(0, 1)

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; :math:`\sigma` is 0.04, 0.06, 0.08,
    0.09, 0.10 by severity.

    Use it when light may be low or a sensor cheap. It fails to be real: cameras change several things at once.
    Pictures are polars arrays or paths in a column of kind image (changed copies are written into the tables'
    `pictures`), or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImageNoise(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.04, 1.0], [True, True])
    """

    source = "hendrycks2019benchmarking"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        scale = at_severity(strength, (0.04, 0.06, 0.08, 0.09, 0.10), without=0.0)
        return corrupt(tables, self.shape, strength, lambda x: x + scale * rng.normal(size=x.shape), rng)

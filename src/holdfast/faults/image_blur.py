"""Pictures out of focus."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImageBlur(PictureFault):
    r"""A Gaussian blur over the test pictures.

    .. math:: \tilde x = x * g_\sigma

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; :math:`\sigma` is 0.4, 0.6, 0.7,
    0.8, 1.0 pixels by severity.

    Use it when pictures may be out of focus. It fails to be real: cameras change several things at once. Pictures
    are polars arrays or paths in a column of kind image (changed copies are written into the tables' `pictures`),
    or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImageBlur(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.32, 0.84], [True, True])
    """

    source = "hendrycks2019benchmarking"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        width = at_severity(strength, (0.4, 0.6, 0.7, 0.8, 1.0), without=0.0)
        blur = (0, width, width, 0)
        return corrupt(tables, self.shape, strength, lambda x: gaussian_filter(x, blur), rng)

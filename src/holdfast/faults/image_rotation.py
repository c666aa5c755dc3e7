"""Pictures that are turned."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import rotate

from holdfast.faults._pixels import PictureFault, at_severity, corrupt
from holdfast.faults._tables import Tables, Truth


class ImageRotation(PictureFault):
    r"""The test pictures turned around their middle.

    .. math:: \tilde x(p) = x(R_{-\alpha} p)

    on pixels x from 0 (black) to 1 (white) as the training pictures have them; :math:`\alpha` is 6, 12, 18, 24, 30
    degrees by severity, to one side or the other by row; corners become black.

    Use it when cameras or papers may be held askew. It fails to be real: cameras change several things at once.
    Pictures are polars arrays or paths in a column of kind image (changed copies are written into the tables'
    `pictures`), or, with `shape` (height, width), all number columns in order.

    >>> import polars as pl
    >>> table = pl.DataFrame({f"p{i}": [0.0, 1.0] if i % 3 else [1.0, 0.5] for i in range(16)})
    >>> tables = Tables(table, table, kinds=dict.fromkeys(table.columns, "number"))
    >>> planted, truth = ImageRotation(shape=(4, 4)).plant(tables, 5, np.random.default_rng(0))
    >>> planted.test["p5"].round(2).to_list(), truth.test_rows.tolist()
    ([0.26, 0.87], [True, True])
    """

    source = "engstrom2019exploring"
    shape: tuple[int, ...] = ()

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        angle = at_severity(strength, (6.0, 12.0, 18.0, 24.0, 30.0), without=0.0)

        def turn(x: np.ndarray) -> np.ndarray:
            is_left = rng.random(len(x)) < 0.5
            turned = np.empty_like(x)
            for side, sign in ((is_left, 1), (~is_left, -1)):
                turned[side] = rotate(x[side], sign * angle, axes=(1, 2), reshape=False, order=1) if side.any() else 0
            return turned

        return corrupt(tables, self.shape, strength, turn, rng)

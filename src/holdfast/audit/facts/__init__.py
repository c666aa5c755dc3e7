"""The facts that checks read: every public function of `data`, `arrays` and `model` is one; its arguments are others.

`train_...` and `test_...` are rows that models use: rows with a label, a random `max_rows` of them where there are
more. `train_rows[i]` is the row number in the file of position `i`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Later = Callable[[], np.ndarray]  # an argument of this type is handed out as a call, for facts not always needed

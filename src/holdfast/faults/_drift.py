"""A numeric test column that moves along the order of the rows."""

from __future__ import annotations

import numpy as np

from holdfast.faults._columns import as_column, choose_column, numbers, spread
from holdfast.faults._rows import column_of, need_test, rewrite
from holdfast.faults._tables import Tables, Truth


def move_along(
    tables: Tables, column: str, strength: float, start: float, is_gradual: bool, rng: np.random.Generator
) -> tuple[Tables, Truth]:
    """Move a column by a profile from 0 to `strength` training standard deviations over the rows behind `start`.

    The amount is the height of that profile that fits the moves best (least squares).
    """
    if not 0 <= start < 1:
        raise ValueError(f"start is {start!r}; expected a share of the rows from 0 to below 1.")
    test = need_test(tables)
    name = choose_column(tables, column, ("number",), rng)
    old, scale = column_of(test, name), spread(column_of(tables.train, name))
    place = np.arange(1, test.height + 1) / test.height
    profile = np.clip((place - start) / (1 - start), 0, 1) if is_gradual else (place > start).astype(float)
    new = as_column(numbers(old) + strength * scale * profile, old, rng) if strength else old
    known = np.isfinite(numbers(old))
    moved = (numbers(new) - numbers(old))[known] / scale
    amount = float(moved @ profile[known] / max((profile[known] ** 2).sum(), 1e-300))
    how = "gradually" if is_gradual else "suddenly"
    note = f"moved {how} by up to {strength:g} standard deviations behind {start:.0%} of the rows"
    return rewrite(tables, "test", name, new, note, amount)

"""Identifiers as numbers: what an order number or a record name may give away about when and where it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_NUMBER = re.compile(r"\d+")


def identifier_parts(values: Sequence[object]) -> dict[str, np.ndarray]:
    """The parts of every identifier that may follow the target: `number`, `prefix` (codes), `length` and `row`.

    `number` is the last run of digits (at most 15 of them; -1 where there is none), `prefix` is what stands before the
    first digit, `row` is the position in the file. Each goes through `leakage.TargetLeak`: `number`, `length` and `row`
    as `x`, `prefix` as `category`.

    >>> parts = identifier_parts(["A-007", "A-012", "B9", "none"])
    >>> parts["number"].tolist(), parts["prefix"].tolist(), parts["length"].tolist(), parts["row"].tolist()
    ([7.0, 12.0, 9.0, -1.0], [0, 0, 1, 2], [5.0, 5.0, 2.0, 4.0], [0.0, 1.0, 2.0, 3.0])
    """
    texts = [str(value) for value in values]
    runs = [_NUMBER.findall(text) for text in texts]
    heads = [_NUMBER.split(text, maxsplit=1)[0] for text in texts]
    return {
        "number": np.array([float(found[-1][-15:]) if found else -1.0 for found in runs]),
        "prefix": np.unique(heads, return_inverse=True)[1].reshape(-1),
        "length": np.array([float(len(text)) for text in texts]),
        "row": np.arange(len(texts), dtype=np.float64),
    }

"""Log-likelihood against that of a model that has not seen the text."""

from __future__ import annotations

import numpy as np

from holdfast.core import Scorer


class ReferenceRatio(Scorer):
    r"""How many times less surprising a text is to the model than to a reference that cannot know it.

    .. math:: s(x) = \log p_\text{ref}(x) \, / \, \log p(x)

    Above 1: less surprising than to the reference. Use it when an older or smaller model of the same kind, trained
    without the texts, is at hand: it takes away how easy a text is. It fails on texts seen once, and where the
    reference knows the texts too: both then agree.

    >>> ReferenceRatio().score_rows(log_likelihood=[-20.0], reference_log_likelihood=[-50.0]).tolist()
    [2.5]
    """

    source = "carlini2021extracting"
    claims = ("members",)
    blind = ("seen_once",)

    def score_rows(self, log_likelihood: np.ndarray, reference_log_likelihood: np.ndarray) -> np.ndarray:
        return np.minimum(reference_log_likelihood, -1e-9) / np.minimum(log_likelihood, -1e-9)

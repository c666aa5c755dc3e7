"""Beliefs whose confidence follows what the reference shows of it."""

from __future__ import annotations

import numpy as np

from holdfast.ops.density_ratio import effective_sample_size

ENOUGH = 2000  # reference rows at which the free-form recalibration counts as much as the pool


def recalibrated(
    belief: np.ndarray,
    probs: np.ndarray,
    ref_belief: np.ndarray,
    ref_labels: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
) -> np.ndarray:
    """Beliefs whose confidence in the predicted class follows what the reference shows, the more rows it has."""
    from sklearn.isotonic import IsotonicRegression

    chosen, y = ref_labels
    curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    curve.fit(ref_belief[np.arange(len(y)), chosen], chosen == y, sample_weight=weights)
    size = effective_sample_size(weights)
    trust = size / (size + ENOUGH)
    place = np.arange(len(probs)), probs.argmax(axis=1)
    confidence = belief[place]
    wanted = trust * curve.predict(confidence) + (1 - trust) * confidence
    changed = belief * ((1 - wanted) / np.maximum(1 - confidence, 1e-12))[:, None]
    changed[place] = wanted
    return changed / changed.sum(axis=1, keepdims=True)

"""Write tests/parity/cleanlab_reference.json: small inputs with cleanlab's scores and filters, for tests without it.

    python benchmarks/cleanlab_reference.py

Needs the peer: pip install cleanlab==2.9.0. Rows where cleanlab counts a class that missed its threshold (its issue
1248; the paper counts the best class that reached one) are left out, so that both count alike.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "tests" / "parity" / "cleanlab_reference.json"
FILTERS = {
    "noise_rate": "prune_by_noise_rate",
    "class": "prune_by_class",
    "both": "both",
    "confident": "confident_learning",
}
QUALITIES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def main() -> None:
    try:
        import cleanlab
    except ImportError:
        raise SystemExit("the peer is missing: pip install cleanlab==2.9.0") from None
    cases = [reference(*draw(n, k, seed)) for n, k, seed in ((60, 2, 0), (80, 3, 1), (120, 5, 2))]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"cleanlab": cleanlab.__version__, "numpy": version("numpy"), "cases": cases}) + "\n")


def draw(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Skewed classes, a fifth of the labels wrong, probabilities rounded to four digits."""
    rng = np.random.default_rng(seed)
    true = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    y = np.where(rng.random(n) < 0.2, (true + 1) % k, true)
    probs = rng.dirichlet(np.ones(k), n) + np.eye(k)[true] * rng.uniform(0, 2, (n, 1))
    probs = np.round(probs / probs.sum(axis=1, keepdims=True), 4)
    probs[:, 0] += 1 - probs.sum(axis=1)
    return alike(probs, y)


def alike(probs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop rows on which the paper and cleanlab disagree, until none is left (thresholds move with the rows)."""
    while True:
        thresholds = np.array([probs[y == j, j].mean() for j in range(probs.shape[1])])
        reached = probs >= thresholds
        top = probs.argmax(axis=1)
        unlike = (reached.sum(axis=1) > 1) & ~reached[np.arange(len(y)), top]
        if not unlike.any():
            return probs, y
        probs, y = probs[~unlike], y[~unlike]


def reference(probs: np.ndarray, y: np.ndarray) -> dict[str, object]:
    from cleanlab.count import compute_confident_joint, get_confident_thresholds
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    scores = {
        f"{quality} {adjust}": get_label_quality_scores(y, probs, method=quality, adjust_pred_probs=adjust).tolist()
        for quality, adjust in product(QUALITIES, (False, True))
        if not (adjust and quality == "confidence_weighted_entropy")  # cleanlab refuses this pair
    }
    masks = {ours: find_label_issues(y, probs, filter_by=theirs, n_jobs=1).tolist() for ours, theirs in FILTERS.items()}
    return {
        "probs": probs.tolist(),
        "y": y.tolist(),
        "thresholds": get_confident_thresholds(y, probs).tolist(),
        "joint": compute_confident_joint(y, probs, calibrate=True).tolist(),
        "scores": scores,
        "masks": masks,
    }


if __name__ == "__main__":
    main()

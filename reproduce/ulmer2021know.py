"""Know Your Limits: along a ray to infinity the uncertainty of a ReLU network comes to a standstill.

Two moons; one network, an ensemble of three, and the distance to the nearest training rows. Rays leave the data in 64
directions: far out every network is linear on one piece, so the probabilities converge to 0, 1 or a constant. The
record: how much scores still change between the last two distances, the share of rays on which the network ends sure
of a class (above .99), and AUROC of far points against test points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import write
from sklearn.datasets import make_moons
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from holdfast.ood import NearestNeighbourDistance

DISTANCES = (1.0, 3.0, 10.0, 100.0, 1000.0)


def results() -> dict[str, Any]:
    """Mean confidence by distance, saturation, and AUROC of far points at the largest distance."""
    X, y = make_moons(400, noise=0.1, random_state=0)
    fresh, _ = make_moons(200, noise=0.1, random_state=1)
    networks = []
    for seed in range(3):
        net = MLPClassifier((32, 32), random_state=seed, learning_rate_init=0.01)
        for _ in range(40):
            net.partial_fit(X, y, classes=[0, 1])
        networks.append(net)
    nearest = NearestNeighbourDistance().fit(X=X)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rays = np.column_stack([np.cos(angles), np.sin(angles)])

    def scores(rows: np.ndarray) -> dict[str, np.ndarray]:
        probs = np.stack([net.predict_proba(rows) for net in networks])
        mean = np.clip(probs.mean(axis=0), 1e-12, 1)
        return {
            "max softmax": 1 - probs[0].max(axis=1),
            "entropy of an ensemble": -(mean * np.log(mean)).sum(axis=1),
            "spread of an ensemble": probs.std(axis=0)[:, 0],
            "nearest neighbours": nearest.score_rows(X=rows),
        }

    by_distance = [scores(X.mean(axis=0) + distance * rays) for distance in DISTANCES]
    usual = scores(fresh)
    is_far = np.r_[np.zeros(len(fresh)), np.ones(len(rays))]
    found: dict[str, Any] = {"distances": list(DISTANCES)}
    for name in usual:
        far = by_distance[-1][name]
        found[name] = {
            "mean_by_distance": [float(scores[name].mean()) for scores in by_distance],
            "median_change_at_last": float(np.median(np.abs(far - by_distance[-2][name]))),
            "auroc_far": float(roc_auc_score(is_far, np.r_[usual[name], far])),
        }
    found["share_of_rays_sure_of_a_class"] = float((by_distance[-1]["max softmax"] < 0.01).mean())
    return found


if __name__ == "__main__":
    write(__file__, results)

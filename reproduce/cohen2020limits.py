"""On the limits of cross-domain generalization in automated X-ray prediction: models that agree and are both wrong.

A model a site, judged on every site: AUC says how well it does there, Cohen's kappa whether two models say the same of
the same rows. Where models agree and yet fail, the site means another thing by the label; where they disagree,
its inputs differ. Digits with a known cause (another rule for the label; other pictures), then four real hospitals.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from common import write
from sklearn.datasets import load_digits
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.datasets import load_heart_disease

Site = tuple[np.ndarray, np.ndarray]


def results() -> dict[str, Any]:
    """For every site: AUC of its own model and of those of other sites, and kappa of all pairs of the others."""
    sites = {cause: digits(cause) for cause in ("none", "label rule", "pictures")}
    return {**{f"digits, {cause}": across(found) for cause, found in sites.items()}, "hospitals": across(hospitals())}


def across(sites: dict[str, Site]) -> dict[str, Any]:
    """Every model on every site: the first half of a site teaches, the second judges."""
    halves = {name: (half(site, 0), half(site, 1)) for name, site in sites.items()}
    models = {name: model().fit(*taught) for name, (taught, _) in halves.items()}
    found = {}
    for there, (_, (X, y)) in halves.items():
        auc = {here: float(roc_auc_score(y, fitted.predict_proba(X)[:, 1])) for here, fitted in models.items()}
        said = [fitted.predict(X) for here, fitted in models.items() if here != there]
        kappas = [cohen_kappa_score(one, other) for one, other in combinations(said, 2)]
        own = auc.pop(there)
        foreign = float(np.mean(list(auc.values())))
        found[there] = {"auc_of_its_own": own, "auc_of_others": foreign, "kappa_of_others": float(np.mean(kappas))}
    return found


def half(site: Site, which: int) -> Site:
    """Rows of odd or of even number, in an order dealt out once."""
    order = np.random.default_rng(7).permutation(len(site[1]))[which::2]
    return site[0][order], site[1][order]


def model() -> Any:
    """Logistic regression on standardised columns."""
    return make_pipeline(
        SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    )


def digits(cause: str) -> dict[str, Site]:
    """Three sites of digits, "is it 5 or more"; the third has another rule for it, or turned pictures."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(3)
    sites = {}
    for name, rows in zip("abc", np.array_split(rng.permutation(len(y)), 3), strict=True):
        pictures, label = X[rows], (y[rows] >= 5).astype(int)
        if name == "c" and cause == "label rule":
            label = y[rows] % 2
        if name == "c" and cause == "pictures":
            pictures = np.rot90(pictures.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64)
        sites[name] = (pictures, label)
    return sites


def hospitals() -> dict[str, Site]:
    """Cleveland and three others: is there heart disease."""
    train, test = load_heart_disease()
    frames = {"cleveland": train, **{str(name[0]): part for name, part in test.group_by("hospital")}}
    numeric = [name for name in train.columns if train[name].dtype.is_numeric()]
    shared = [name for name in numeric if all(frame[name].null_count() < len(frame) for frame in frames.values())]
    return {
        name: (frame.select(shared).to_numpy().astype(float), (frame["disease"] == "yes").to_numpy().astype(int))
        for name, frame in sorted(frames.items())
    }


if __name__ == "__main__":
    write(__file__, results)

"""A table a family: ours beside the peer's on a panel of real data, planted and natural faults, five seeds.

    python benchmarks/families.py FAMILY --peer PYTHON [--write]

FAMILY: labels (cleanlab), estimation (NannyML), drift (Evidently), conformal (MAPIE), imbalance (imbalanced-learn),
adaptation (skada), ood (pytorch-ood). PYTHON: an interpreter that has the peer, which runs both on the same rows in one
process (our code by PYTHONPATH). Data: `panel.py`. `--write` appends to records/families_FAMILY.json: means and 90 %
intervals over seeds, means by data set, and on how many data sets each of ours is behind the best of the peer by more
than `BEHIND`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")

import numpy as np
from panel import numeric, panel

HERE = Path(__file__).parent
SEEDS, BEHIND = 5, 0.02
PACKAGES = {"labels": "cleanlab", "estimation": "nannyml", "drift": "evidently", "conformal": "mapie",
            "imbalance": "imbalanced-learn", "adaptation": "skada", "ood": "pytorch-ood"}  # fmt: skip
MEASURES = {
    "labels": "average precision of planted label errors, higher is better",
    "estimation": "minus the absolute error of the accuracy without labels, higher is better",
    "drift": "share of planted changes found where 5 % of clean draws alarm, higher is better",
    "conformal": "minus how far the coverage at .9 is off, higher is better",
    "imbalance": "gain in balanced accuracy over no resampling, higher is better",
    "adaptation": "gain in accuracy on the target over no adaptation, higher is better",
    "ood": "AUROC of unusual rows, higher is better",
}
SHIM: list[Any] = []  # operators live as long as what defined them
Cell = tuple[str, str, int, dict[str, float]]  # data set, fault, seed, what every method reached


def main() -> None:
    family, peer = sys.argv[1], sys.argv[sys.argv.index("--peer") + 1]
    env = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    said = subprocess.run([peer, __file__, family, "--inside"], capture_output=True, text=True, check=False, env=env)
    if said.returncode:
        raise SystemExit(said.stderr[-2000:])
    record = {"date": datetime.now(UTC).date().isoformat(), "machine": platform.platform()}
    record |= json.loads(said.stdout.splitlines()[-1])
    print(json.dumps({name: record[name] for name in record if name != "by_data"}, indent=1))
    if "--write" in sys.argv:
        path = HERE / "records" / f"families_{family}.json"
        entries = json.loads(path.read_text()) if path.exists() else []
        path.write_text(json.dumps([*entries, record], indent=1) + "\n")


def inside(family: str) -> dict[str, Any]:
    """All cells of a family, summed up."""
    start = time.process_time()
    cells = list(globals()[family]())
    names = list(cells[0][3])
    data = sorted({cell[0] for cell in cells})
    by_data = {d: {n: _mean([c[3][n] for c in cells if c[0] == d]) for n in names} for d in data}
    overall = {}
    for name in names:
        by_seed = [_mean([c[3][name] for c in cells if c[2] == seed]) for seed in range(SEEDS)]
        overall[name] = {"mean": _mean(by_seed), "sd_over_seeds": float(np.std(by_seed, ddof=1))}
    theirs = [name for name in names if name.startswith(PACKAGES[family])]
    behind = {
        name: [d for d in data if by_data[d][name] < max(by_data[d][peer] for peer in theirs) - BEHIND]
        for name in names
        if name.startswith("holdfast")
    }
    faults = sorted({cell[1] for cell in cells})
    by_fault = {f: {n: _mean([c[3][n] for c in cells if c[1] == f]) for n in names} for f in faults}
    return {
        "family": family, "measure": MEASURES[family], "seeds": SEEDS, "data_sets": len(data), "cells": len(cells),
        "versions": {name: version(name) for name in (PACKAGES[family], "numpy", "scikit-learn")},
        "overall": overall, "behind_the_best_of_the_peer": {name: len(where) for name, where in behind.items()},
        "where": behind, "by_fault": by_fault, "by_data": by_data, "cpu_seconds": round(time.process_time() - start, 1),
    }  # fmt: skip


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


def _logistic(strength: float = 1.0) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=200)


# --- labels ---------------------------------------------------------------------------------------------------
def labels() -> Iterator[Cell]:
    """20 % wrong labels: any other class, the next class, near the boundary; five folds of a logistic regression."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from holdfast.labels import ConfidentLearning, NoiseCorrectedPosterior

    for name, (X, y) in panel().items():
        for fault in ("any class", "next class", "near the boundary"):
            for seed in range(SEEDS):
                given = _noisy(X, y, fault, np.random.default_rng([seed, len(fault)]))
                folds = StratifiedKFold(5, shuffle=True, random_state=seed)
                probs = cross_val_predict(_logistic(), X, given, cv=folds, method="predict_proba")
                scores = {
                    "holdfast noise-corrected posterior": NoiseCorrectedPosterior(),
                    "holdfast confident learning": ConfidentLearning(),
                }
                found = {who: m.fit(probs=probs, y=given).score_rows(probs=probs, y=given) for who, m in scores.items()}
                for score in ("self_confidence", "normalized_margin"):
                    quality = get_label_quality_scores(given, probs, method=score)
                    found[f"cleanlab {score}"] = -quality
                    quality = get_label_quality_scores(given, probs, method=score, adjust_pred_probs=True)
                    found[f"cleanlab {score}, adjusted"] = -quality
                bad = given != y
                yield name, fault, seed, {w: float(average_precision_score(bad, s)) for w, s in found.items()}


def _noisy(X: np.ndarray, y: np.ndarray, fault: str, rng: np.random.Generator, rate: float = 0.2) -> np.ndarray:
    k = int(y.max()) + 1
    chance = np.full(len(y), rate)
    if fault == "near the boundary":
        top = np.sort(_logistic().fit(X, y).predict_proba(X), axis=1)
        doubt = np.argsort(np.argsort(top[:, -2] - top[:, -1])) / len(y)
        chance = np.minimum(2 * rate * doubt, 0.95)
    step = np.ones(len(y), int) if fault == "next class" else rng.integers(1, k, len(y))
    return np.where(rng.random(len(y)) < chance, (y + step) % k, y)


# --- estimation -----------------------------------------------------------------------------------------------
def estimation() -> Iterator[Cell]:
    """A model of a third of the rows; another third with labels; the last as it is, tilted, harder or other classes."""
    from cbpe_reference import reference

    from holdfast.estimation import MultiCalibratedPerformanceEstimation, OpinionPoolEstimation

    for name, (X, y) in panel().items():
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            third = rng.permutation(len(y)) * 3 // len(y)
            ref = third == 1
            if any(len(np.unique(y[part])) <= y.max() for part in (third == 0, ref)):
                continue
            model = _logistic().fit(X[third == 0], y[third == 0])
            probs = np.clip(model.predict_proba(X), 1e-6, 1)
            probs /= probs.sum(axis=1, keepdims=True)
            hit = probs.argmax(axis=1) == y
            for fault in ("nothing", "tilted inputs", "hard rows", "other classes"):
                rows = _drawn(fault, np.flatnonzero(third == 2), X, y, probs, rng)
                truth = float(hit[rows].mean())
                said = {"no change": float(hit[ref].mean())}
                said["nannyml CBPE"] = float(reference(probs[ref], y[ref], probs[rows])["estimates"]["accuracy"])  # type: ignore[index]
                known = {"ref_probs": probs[ref], "ref_y": y[ref], "cur_probs": probs[rows]}
                inputs = {"ref_X": X[ref], "cur_X": X[rows]}
                pool = OpinionPoolEstimation().measure(**known, **inputs)
                said["holdfast opinion pool"] = pool.value
                said["holdfast M-CBPE"] = MultiCalibratedPerformanceEstimation().measure(**known, **inputs).value
                found = {who: -abs(value - truth) for who, value in said.items()}
                found["coverage of the opinion pool at .9"] = float(pool.low <= truth <= pool.high)
                yield name, fault, seed, found


def _drawn(
    fault: str, pool: np.ndarray, X: np.ndarray, y: np.ndarray, probs: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Rows of the pool, with replacement where some are to be more frequent."""
    if fault == "nothing":
        return pool
    top = np.sort(probs[pool], axis=1)
    first = (X - X.mean(axis=0)) @ np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][0]
    weight = {
        "tilted inputs": np.exp(first[pool] / first.std()),
        "hard rows": np.exp(-3 * (top[:, -1] - top[:, -2])),
        "other classes": np.exp(1.5 * (y[pool] % 2)),
    }[fault]
    return rng.choice(pool, len(pool), p=weight / weight.sum())


# --- drift ----------------------------------------------------------------------------------------------------
def drift() -> Iterator[Cell]:
    """Halves of at most eight columns; thresholds are set so that 5 % of 20 clean draws a data set alarm."""
    from scipy.stats import norm

    from holdfast.ops.two_sample import compare_columns
    from holdfast.shift import ClassifierTwoSample, MaximumMeanDiscrepancy

    def ours(ref: np.ndarray, cur: np.ndarray) -> dict[str, float]:
        columns = compare_columns(list(ref.T), list(cur.T), [False] * ref.shape[1])
        single = min(column.effect.pvalue or 1.0 for column in columns) * ref.shape[1]
        joint = ClassifierTwoSample(iterations=20).measure(ref_X=ref, cur_X=cur).pvalue or 1.0
        kernel = MaximumMeanDiscrepancy(permutations=1).measure(ref_X=ref, cur_X=cur)
        both = float(norm.isf(min(1.0, 2 * min(single, joint))))
        return {
            "holdfast columns": -np.log(single),
            "holdfast columns and classifier": both,
            "holdfast MMD": kernel.value,
        }

    def score(ref: np.ndarray, cur: np.ndarray) -> dict[str, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {**ours(ref, cur), **_evidently(ref, cur)}

    for name, (X, y) in panel().items():
        rng = np.random.default_rng(7)
        X = X[:, np.argsort(-X.var(axis=0))[:8]] if X.shape[1] > 8 else X
        clean = [score(*np.array_split(X[rng.permutation(len(y))], 2)) for _ in range(20)]
        bar = {who: float(np.quantile([draw[who] for draw in clean], 0.95)) for who in clean[0]}
        for fault in ("all columns moved", "one column moved", "spread", "correlation", "other classes"):
            for seed in range(SEEDS):
                rng = np.random.default_rng([seed, 1])
                order = rng.permutation(len(y))
                ref, cur = _changed(fault, *np.array_split(order, 2), X, y, rng)
                yield name, fault, seed, {who: float(v > bar[who]) for who, v in score(ref, cur).items()}


def _evidently(ref: np.ndarray, cur: np.ndarray) -> dict[str, float]:
    """The smallest p-value of a column, and the share of drifted columns that makes its verdict."""
    import pandas
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    names = [f"c{j}" for j in range(ref.shape[1])]
    sides = [
        Dataset.from_pandas(pandas.DataFrame(part, columns=names), DataDefinition(numerical_columns=names))
        for part in (cur, ref)
    ]
    said = Report([DataDriftPreset(num_method="ks")]).run(*sides).dict()["metrics"]
    pvalues = [metric["value"] for metric in said if not isinstance(metric["value"], dict)]
    share = next(metric["value"]["share"] for metric in said if isinstance(metric["value"], dict))
    return {"evidently smallest p": -np.log(max(min(pvalues), 1e-300)), "evidently share of columns": float(share)}


def _changed(
    fault: str, first: np.ndarray, second: np.ndarray, X: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    ref, cur = X[first].copy(), X[second].copy()
    if fault == "all columns moved":
        cur += 0.15 * X.std(axis=0)
    if fault == "one column moved":
        cur[:, 0] += 0.3 * X[:, 0].std()
    if fault == "spread":
        cur = X.mean(axis=0) + 1.3 * (cur - X.mean(axis=0))
    if fault == "correlation":
        cur[:, 0] = rng.permutation(cur[:, 0])
    if fault == "other classes":
        kept = rng.random(len(second)) < np.where(y[second] % 2, 1.0, 0.5)
        cur = cur[kept]
    return ref, cur


# --- conformal ------------------------------------------------------------------------------------------------
def conformal() -> Iterator[Cell]:
    """Sets of all classification sets and intervals of the numeric ones; two models; thirds of the rows."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.naive_bayes import GaussianNB

    for name, (X, y) in panel().items():
        for seed in range(SEEDS):
            third = np.random.default_rng(seed).permutation(len(y)) * 3 // len(y)
            for model in (_logistic(0.1), GaussianNB()):
                if len(np.unique(y[third == 0])) > y.max() and len(np.unique(y[third == 1])) > y.max():
                    probs = model.fit(X[third == 0], y[third == 0]).predict_proba(X)
                    yield name, f"sets, {type(model).__name__}", seed, _sets(probs, y, third, seed)
    for name, (X, y) in numeric().items():
        for seed in range(SEEDS):
            third = np.random.default_rng(seed).permutation(len(y)) * 3 // len(y)
            forest = RandomForestRegressor(20, min_samples_leaf=5, random_state=seed)
            said = forest.fit(X[third == 0], y[third == 0]).predict(X)
            yield name, "intervals, forest", seed, _intervals(said, y, third)


def _sets(probs: np.ndarray, y: np.ndarray, third: np.ndarray, seed: int) -> dict[str, float]:
    from mapie.classification import SplitConformalClassifier
    from mapie_reference import StatedClasses

    from holdfast.calibration import AdaptivePredictionSets, LeastAmbiguousSets

    known, new = third == 1, third == 2
    probs = probs / probs.sum(axis=1, keepdims=True)
    made = {
        "holdfast least": LeastAmbiguousSets(level=0.9),
        "holdfast adaptive": AdaptivePredictionSets(level=0.9, seed=seed),
    }
    sets = {who: m.fit(probs=probs[known], y=y[known]).transform(probs=probs[new]) for who, m in made.items()}
    score = "aps" if probs.shape[1] > 2 else "lac"  # its adaptive sets take no two classes
    stated = StatedClasses().fit(probs, y)
    for who, kind in (("mapie least", "lac"), ("mapie adaptive, default", score)):
        model = SplitConformalClassifier(stated, confidence_level=0.9, conformity_score=kind, random_state=seed)
        sets[who] = model.conformalize(probs[known], y[known]).predict_set(probs[new])[1][:, :, 0]
    rows = np.arange(int(new.sum()))
    off = {who: -abs(float(held[rows, y[new]].mean()) - 0.9) for who, held in sets.items()}
    return off | {f"size of {who}": float(held.sum(axis=1).mean()) for who, held in sets.items()}


def _intervals(said: np.ndarray, y: np.ndarray, third: np.ndarray) -> dict[str, float]:
    """Both split conformal: the same answer is expected; counted with the sets so that no data set is left out."""
    from mapie.regression import SplitConformalRegressor
    from sklearn.base import BaseEstimator, RegressorMixin

    from holdfast.calibration import SplitConformalInterval

    class Stated(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: np.ndarray, y: np.ndarray) -> Any:  # noqa: ARG002
            self.fitted_ = True
            return self

        def predict(self, X: np.ndarray) -> np.ndarray:
            return X[:, 0]

    known, new = third == 1, third == 2
    ours = (
        SplitConformalInterval(level=0.9).fit(target=y[known], prediction=said[known]).transform(prediction=said[new])
    )
    model = SplitConformalRegressor(Stated().fit(said[:, None], y), confidence_level=0.9, prefit=True)
    theirs = model.conformalize(said[known][:, None], y[known]).predict_interval(said[new][:, None])[1][:, :, 0]
    off, size = {}, {}
    for who, made in (("holdfast", ours), ("mapie", theirs)):
        covered = float(((made[:, 0] <= y[new]) & (y[new] <= made[:, 1])).mean())
        for kind in ("least", "adaptive") if who == "holdfast" else ("least", "adaptive, default"):
            off[f"{who} {kind}"] = -abs(covered - 0.9)
            size[f"size of {who} {kind}"] = float((made[:, 1] - made[:, 0]).mean())
    return off | size


# --- imbalance ------------------------------------------------------------------------------------------------
def imbalance() -> Iterator[Cell]:
    """One class against the rest, thinned to one rare row in twenty; a tree and a logistic regression."""
    from imblearn import over_sampling, under_sampling
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    import holdfast.weighting as w

    for name, (X, y) in panel().items():
        y = (y == 1).astype(int)
        for seed in range(SEEDS):
            order = np.random.default_rng(seed).permutation(len(y))
            train, test = order[: len(y) // 2], order[len(y) // 2 :]
            rare = train[y[train] == 1][: max(6, int((y[train] == 0).sum() / 19))]
            train = np.r_[train[y[train] == 0], rare]
            for model in (DecisionTreeClassifier(min_samples_leaf=5, random_state=seed), _logistic()):

                def score(rows: tuple[np.ndarray, np.ndarray], **more: Any) -> float:
                    fitted = model.set_params(**more).fit(*rows)  # noqa: B023
                    return float(balanced_accuracy_score(y[test], fitted.predict(X[test])))  # noqa: B023

                given = X[train], y[train]
                plain = score(given)
                found = {"class weights": score(given, class_weight="balanced") - plain}
                model.set_params(class_weight=None)
                for kind in ("SMOTE", "BorderlineSMOTE", "ADASYN"):
                    ours = getattr(w, kind)(seed=seed).transform(X=given[0], y=given[1])
                    found[f"holdfast {kind}"] = score(ours) - plain
                    try:
                        theirs = getattr(over_sampling, kind)(random_state=seed).fit_resample(*given)
                    except (ValueError, RuntimeError):  # ADASYN refuses where no rounded number is above 0
                        theirs = given
                    found[f"imbalanced-learn {kind}"] = score(theirs) - plain
                kept = w.TomekLinks().select_rows(X=given[0], y=given[1])
                found["holdfast TomekLinks"] = score((given[0][kept], given[1][kept])) - plain
                found["imbalanced-learn TomekLinks"] = score(under_sampling.TomekLinks().fit_resample(*given)) - plain
                yield name, type(model).__name__, seed, found


# --- adaptation -----------------------------------------------------------------------------------------------
def adaptation() -> Iterator[Cell]:
    """Up to eight principal components, moved and rescaled, mixed, or tilted; and three natural pairs of hospitals."""
    import adaptation as pairs

    methods = {**pairs.ours(), **pairs.theirs()}
    for seed in range(SEEDS):
        for name, fault, (X, y, new, truth) in _moved(seed):
            if len(np.unique(y)) < 2:
                continue
            plain = float((pairs._model().fit(X, y).predict(new) == truth).mean())
            found = {}
            for who, method in methods.items():
                try:
                    found[who] = float((method(X, y, new) == truth).mean()) - plain
                except ValueError:  # a refusal: the plain model stays
                    found[who] = 0.0
            yield name, fault, seed, found


def _moved(seed: int) -> Iterator[tuple[str, str, Any]]:
    import adaptation as pairs
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(seed)
    for name, (X, y) in panel().items():
        d = min(8, X.shape[1])
        X = PCA(d).fit_transform(X)
        X /= X.std(axis=0)
        source, target = np.array_split(rng.permutation(len(y))[:600], 2)
        move = rng.normal(0, 1.5, d)
        yield name, "rescaled", (X[source], y[source], X[target] * np.exp(rng.normal(0, 0.7, d)) + move, y[target])
        mixer = np.eye(d) + 0.4 * rng.normal(size=(d, d)) / np.sqrt(d)
        yield name, "mixed", (X[source], y[source], X[target] @ mixer + move / 3, y[target])
        chance = np.exp(X[target, 0])
        drawn = rng.choice(target, len(target), p=chance / chance.sum())
        yield name, "tilted", (X[source], y[source], X[drawn], y[drawn])
    for task, data in pairs._hospitals(rng):
        yield f"hearts, {task.partition(', ')[2]}", "another hospital", data


# --- unusual rows ---------------------------------------------------------------------------------------------
def ood() -> Iterator[Cell]:
    """The same logits and hidden features of one network; new classes, noise, and a third of the columns moved."""
    from sklearn.metrics import roc_auc_score
    from sklearn.neural_network import MLPClassifier

    for name, (X, y) in panel().items():
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            many = y.max() > 1
            new = y == y.max() if many else np.zeros(len(y), bool)
            rows = rng.permutation(np.flatnonzero(~new))
            train, test = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            net = MLPClassifier((64, 32), random_state=seed, max_iter=40, tol=0, n_iter_no_change=40)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                net.fit(X[train], y[train])
            scores = _detectors(net, X[train], y[train])
            faults = {"noise": X[test] + rng.normal(0, 1, X[test].shape)}
            which = rng.random(X[test].shape) < 1 / 3
            faults["columns moved"] = X[test] + 2 * which * rng.choice([-1, 1], which.shape)
            if many:
                faults["new class"] = X[new]
            usual = scores(X[test])
            for fault, unusual in faults.items():
                is_bad = np.r_[np.zeros(len(test)), np.ones(len(unusual))]
                met = scores(unusual)
                aurocs = {w: float(roc_auc_score(is_bad, np.r_[usual[w], met[w]])) for w in usual}
                yield name, fault, seed, aurocs


def _detectors(net: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """A function of rows that gives every score by name."""
    import torch

    # the peer imports torchvision, whose operators a CPU torch may lack: names are enough, none is called
    for name in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
        if not hasattr(torch.ops.torchvision, name.partition("(")[0]):
            SHIM.append(torch.library.Library("torchvision", "FRAGMENT"))
            SHIM[-1].define(name)
    from pytorch_ood.detector import GEN, KNN, RMD, EnergyBased, Mahalanobis, MaxLogit, MaxSoftmax

    import holdfast.ood as h

    def hidden(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for weight, bias in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
            rows = np.maximum(rows @ weight + bias, 0)
        logits = rows @ net.coefs_[-1] + net.intercepts_[-1]
        return rows, logits if logits.shape[1] > 1 else np.column_stack([-logits / 2, logits / 2])

    features = hidden(X)[0]
    tensor = torch.from_numpy(features).float()
    codes = np.unique(y, return_inverse=True)[1]
    ours = {
        "holdfast Mahalanobis": h.Mahalanobis().fit(X=features, y=codes),
        "holdfast relative Mahalanobis": h.RelativeMahalanobis().fit(X=features, y=codes),
        "holdfast nearest neighbours": h.NearestNeighbourDistance(k=5).fit(X=features),
    }
    theirs = {
        "pytorch-ood Mahalanobis": Mahalanobis(None).fit_features(tensor, torch.from_numpy(codes)),
        "pytorch-ood RMD": RMD(None).fit_features(tensor, torch.from_numpy(codes)),
        "pytorch-ood KNN": KNN(None, k=5).fit_features(tensor, torch.from_numpy(codes)),
    }

    def scores(rows: np.ndarray) -> dict[str, np.ndarray]:
        met, logits = hidden(rows)
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        raw = torch.from_numpy(logits).float()
        found = {
            "holdfast max softmax": h.MaxSoftmax().score_rows(probs=probs),
            "holdfast energy": h.Energy().score_rows(logits=logits),
            "holdfast generalized entropy": h.GeneralizedEntropy().score_rows(probs=probs),
            "holdfast max logit": h.MaxLogit().score_rows(logits=logits),
            **{who: method.score_rows(X=met) for who, method in ours.items()},
            "pytorch-ood MaxSoftmax": MaxSoftmax.score(raw).numpy(),
            "pytorch-ood EnergyBased": EnergyBased.score(raw).numpy(),
            "pytorch-ood GEN": GEN.score(raw).numpy(),
            "pytorch-ood MaxLogit": MaxLogit.score(raw).numpy(),
        }
        for who, method in theirs.items():
            found[who] = np.nan_to_num(method.predict_features(torch.from_numpy(met).float()).numpy())
        return found

    return scores


if __name__ == "__main__":
    if "--inside" in sys.argv:
        warnings.simplefilter("ignore")
        print(json.dumps(inside(sys.argv[1])))
    else:
        main()

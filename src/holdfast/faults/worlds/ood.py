"""Worlds of the ood family: handwritten digits and tumours with rows that training never showed.

The model is a logistic regression. The reference rows (`train`) are rows that it did not learn from, so that their
probabilities are honest, as the vocabulary asks.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from holdfast.faults.worlds import World, split

SHOWN = 80  # images that detectors which call the network are given
NOVEL = 7  # digits from here on are never shown in training


def held_out_class(seed: int) -> World:
    """Digits 7, 8 and 9 were never shown in training and are the rows to find."""
    draw = _draw(seed)
    X = np.vstack([draw["test_X"], draw["novel_X"][: len(draw["test_X"]) // 2]])
    return _world(draw, X, np.arange(len(X)) >= len(draw["test_X"]))


def far(seed: int) -> World:
    """Every third row is uniform noise, ten times as wide as the pixels."""
    draw = _draw(seed)
    rng = np.random.default_rng([seed, 1])
    return _spoiled(draw, rng, lambda rows: rng.uniform(-10, 10, rows.shape))


def near(seed: int) -> World:
    """Every third row is a digit with noise on its pixels."""
    draw = _draw(seed)
    rng = np.random.default_rng([seed, 2])
    return _spoiled(draw, rng, lambda rows: rows + rng.normal(0, 0.35, rows.shape))


def network_held_out_class(seed: int) -> World:
    """Features of a small network that never saw digits 7, 8 and 9; those are the rows to find."""
    draw = _draw(seed)
    X = np.vstack([draw["test_X"], draw["novel_X"][: len(draw["test_X"]) // 2]])
    return _seen_by_network(seed, X, np.arange(len(X)) >= len(draw["test_X"]))


def network_none(seed: int) -> World:
    """Features of the same network; digits of the classes that it has learnt."""
    X = _draw(seed)["test_X"]
    return _seen_by_network(seed, X, np.zeros(len(X), bool))


def network_noise(seed: int) -> World:
    """Features of a small network; every third row is a digit with noise on its pixels."""
    draw = _draw(seed)
    rng = np.random.default_rng([seed, 6])
    X = draw["test_X"].copy()
    chosen = rng.random(len(X)) < 1 / 3
    X[chosen] += rng.normal(0, 0.35, X[chosen].shape)
    return _seen_by_network(seed, X, chosen)


def network_long(seed: int) -> World:
    """Features of a small network; every third row is uniform noise, five times as wide as the pixels."""
    draw = _draw(seed)
    rng = np.random.default_rng([seed, 7])
    X = draw["test_X"].copy()
    chosen = rng.random(len(X)) < 1 / 3
    X[chosen] = rng.uniform(0, 5, X[chosen].shape)
    return _seen_by_network(seed, X, chosen)


def images_held_out_class(seed: int) -> World:
    """Images and a small residual network that never saw digits 7, 8 and 9; those are the rows to find."""
    draw = _draw(seed)
    X = np.vstack([draw["test_X"][:SHOWN], draw["novel_X"][: SHOWN // 2]])
    return _shown(seed, X, np.arange(len(X)) >= SHOWN)


def images_noise(seed: int) -> World:
    """Images and the same network; every third one has noise on its pixels."""
    rng = np.random.default_rng([seed, 8])
    X = _draw(seed)["test_X"][:SHOWN].copy()
    chosen = rng.random(len(X)) < 1 / 3
    X[chosen] += rng.normal(0, 0.5, X[chosen].shape)
    return _shown(seed, X, chosen)


def images_none(seed: int) -> World:
    """Images and the same network; digits of the classes that it has learnt."""
    return _shown(seed, _draw(seed)["test_X"][:SHOWN], np.zeros(SHOWN, bool))


def feature_shift(seed: int) -> World:
    """Every third row of a table of tumours has a third of its measurements shifted by 3 standard deviations."""
    rng = np.random.default_rng([seed, 3])
    draw = _draw(seed, "breast_cancer")

    def shift(rows: np.ndarray) -> np.ndarray:
        return rows + 3 * (rng.random(rows.shape) < 1 / 3) * rng.choice([-1, 1], rows.shape)

    return _spoiled(draw, rng, shift)


def misclassified(seed: int) -> World:
    """Ordinary tumours; the rows to find are those that the model gets wrong."""
    draw = _draw(seed, "breast_cancer", 3)
    return _world(draw, draw["test_X"], draw["model"].predict(draw["test_X"]) != draw["test_y"])


def foreign_or_wrong(seed: int) -> World:
    """Two digits in five are of classes never shown; to find are those and the digits that the model gets wrong.

    What came in before, digits of the same mixture without labels, is there to learn from (`cur_X`).
    """
    draw = _draw(seed, kept=40)
    half = len(draw["test_X"]) // 2
    new = draw["novel_X"][: 4 * half // 3]
    wild = np.vstack([draw["test_X"][half:], new[len(new) // 2 :]])
    X = np.vstack([draw["test_X"][:half], new[: len(new) // 2]])
    wrong = draw["model"].predict(draw["test_X"][:half]) != draw["test_y"][:half]
    world = _world(draw, X, np.r_[wrong, np.ones(len(new) // 2, dtype=bool)])
    return world._replace(train={**world.train, "ref_X": draw["train_X"], "cur_X": wild})


def unstable_answer(seed: int) -> World:
    """Twenty models from samples of 60 tumours; the rows to find are those on which other such models often differ."""
    models = _tumour_models(seed, 40)
    others = models[20:].argmax(axis=2).mean(axis=0)
    evidence = {"ensemble_probs": models[:20], "probs": models[0]}
    return World(evidence, np.minimum(others, 1 - others) >= 0.2)


def _tumour_models(seed: int, count: int) -> np.ndarray:
    """(count, 369, 2) probabilities of models, each learnt from 60 of 200 tumours, on the other tumours."""
    rng = np.random.default_rng([seed, 5])
    X, y = _data("breast_cancer")
    order = rng.permutation(len(X))
    pool, rest = order[:200], order[200:]
    samples = (rng.choice(pool, 60, replace=False) for _ in range(count))
    return np.array([LogisticRegression(C=100).fit(X[rows], y[rows]).predict_proba(X[rest]) for rows in samples])


def novelty_scores(seed: int) -> World:
    """A detector's score of digits of known and unknown classes; the truth is its AUROC on the pool drawn from."""
    pool = _pool()
    kept = pool["group"] != 2
    bad, score = pool["is_bad"][kept], pool["scores"][1][kept]
    return World(_drawn({"score": score, "is_bad": bad}, seed), _rank_area(score, bad))


def error_scores(seed: int) -> World:
    """Scores of known, unknown and distorted digits; the truth is the AUROC against the model's errors in the pool."""
    pool = _pool()
    names = ("scores", "is_bad", "correct", "group")
    drawn = _drawn({**{name: pool[name] for name in names}, "score": pool["scores"][0]}, seed)
    return World(drawn, _rank_area(pool["scores"][0], ~pool["correct"]))


def monitor_choice(seed: int) -> World:
    """The detector that finds unusual digits best is not the one that finds errors best; the truth is the loss."""
    pool = _pool() | {"is_bad": _pool()["group"] > 0}
    errors = [_rank_area(score, ~pool["correct"]) for score in pool["scores"]]
    novelty = [_rank_area(score, pool["is_bad"]) for score in pool["scores"]]
    drawn = _drawn({name: pool[name] for name in ("scores", "is_bad", "correct")}, seed)
    return World(drawn, max(errors) - errors[int(np.argmax(novelty))])


def none(seed: int) -> World:
    """Test digits from the classes that were trained on; nothing is wrong, and scores know nothing of errors."""
    draw = _draw(seed)
    world = _world(draw, draw["test_X"], np.zeros(len(draw["test_X"]), bool))
    rng = np.random.default_rng([seed, 4])
    n = len(draw["test_X"])
    group = rng.integers(0, 3, n)
    scores = rng.normal(size=(3, n))
    noise = {"score": scores[0], "scores": scores, "is_bad": group == 1, "correct": rng.random(n) < 0.8, "group": group}
    head = {"class_weights": draw["model"].coef_, "class_bias": draw["model"].intercept_}
    agreeing = {"ensemble_probs": np.stack([world.evidence["probs"]] * 20)}
    middle = len(draw["train_X"]) // 2
    before = {"ref_X": draw["train_X"][:middle], "cur_X": draw["train_X"][middle:]}
    return world._replace(evidence={**world.evidence, **noise, **agreeing, **head}, train={**world.train, **before})


def _world(draw: dict[str, Any], X: np.ndarray, truth: np.ndarray) -> World:
    learnt = draw["train_X"]
    train = {"X": learnt, "y": draw["train_y"], "probs": draw["model"].predict_proba(learnt)}
    train["logits"] = _logits(draw["model"], learnt)
    return World({"X": X, "probs": draw["model"].predict_proba(X), "logits": _logits(draw["model"], X)}, truth, train)


def _seen_by_network(seed: int, X: np.ndarray, truth: np.ndarray) -> World:
    """Features, logits and probabilities, of reference rows too, and the last layer."""
    draw, network = _draw(seed), _network(seed)

    def seen(rows: np.ndarray) -> dict[str, Any]:
        features = np.maximum(rows @ network.coefs_[0] + network.intercepts_[0], 0)
        logits = features @ network.coefs_[1] + network.intercepts_[1]
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return {"X": features, "logits": logits, "probs": raised / raised.sum(axis=1, keepdims=True)}

    head = {"class_weights": network.coefs_[1].T.copy(), "class_bias": network.intercepts_[1]}
    return World({**seen(X), **head}, truth, {**seen(draw["train_X"]), "y": draw["train_y"]})


def _shown(seed: int, X: np.ndarray, truth: np.ndarray) -> World:
    draw, model = _draw(seed), _residual_network(seed)

    def images(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1, 1, 8, 8).astype(np.float32)

    kept = slice(2 * SHOWN)
    train = {"images": images(draw["train_X"][kept]), "y": draw["train_y"][kept], "model": model}
    return World({"images": images(X), "model": model}, truth, train)


@cache
def _residual_network(seed: int) -> Any:
    from functools import partial

    import torch

    from holdfast.nets import Batches, fit
    from holdfast.nets.calling import seeded
    from holdfast.nets.objectives import CrossEntropy
    from holdfast.nets.reference import ResNet

    draw = _draw(seed)
    loader = Batches(draw["learnt_X"].reshape(-1, 1, 8, 8), draw["learnt_y"], batch_size=64, shuffle=True, seed=seed)
    with seeded(seed):
        model = ResNet(1, NOVEL, width=8)
    optimizer = partial(torch.optim.AdamW, lr=5e-3)
    return fit(model, CrossEntropy(), loader, epochs=6, optimizer=optimizer, seed=seed, device="cpu").model


@cache
def _network(seed: int) -> MLPClassifier:
    """One hidden layer of 64 units, learnt from the rows that the linear model of the other worlds learns from."""
    draw = _draw(seed)
    network = MLPClassifier((64,), learning_rate_init=0.01, batch_size=64, max_iter=15, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is stopped on purpose
        return network.fit(draw["learnt_X"], draw["learnt_y"])


def _logits(model: LogisticRegression, X: np.ndarray) -> np.ndarray:
    """(n, k) linear class scores; of two classes, plus and minus half the log odds."""
    scores = model.decision_function(X)
    return scores if scores.ndim == 2 else np.column_stack([-scores / 2, scores / 2])


def _spoiled(draw: dict[str, Any], rng: np.random.Generator, change: Any) -> World:
    X = draw["test_X"].copy()
    chosen = rng.random(len(X)) < 1 / 3
    X[chosen] = change(X[chosen])
    return _world(draw, X, chosen)


@cache
def _draw(seed: int, data: str = "digits", columns: int | None = None, kept: int | None = None) -> dict[str, Any]:
    """A model and rows that it has not seen: a third each for the model (or `kept` rows), reference and the test."""
    rng = np.random.default_rng(seed)
    X, y = _data(data)
    known = np.flatnonzero(y < NOVEL)
    first, rest = split(len(known), 1 / 3, rng)
    second, third = split(len(rest), 1 / 2, rng)
    learnt, train, test = known[first], known[rest[second]], known[rest[third]]
    X = X[:, :columns]
    model = LogisticRegression(max_iter=500).fit(X[learnt[:kept]], y[learnt[:kept]])
    novel = rng.permutation(np.flatnonzero(y >= NOVEL))
    return {
        "model": model,
        "learnt_X": X[learnt],
        "learnt_y": y[learnt],
        "train_X": X[train],
        "train_y": y[train],
        "test_X": X[test],
        "test_y": y[test],
        "novel_X": X[novel],
    }


@cache
def _data(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


@cache
def _pool() -> dict[str, np.ndarray]:
    """Scores of two detectors on known (0), unknown (1) and distorted (2) digits, and whether the model is right."""
    draw = _draw(0)
    rng = np.random.default_rng(9)
    distorted = draw["test_X"] + rng.normal(0, 0.35, draw["test_X"].shape)
    X = np.vstack([draw["test_X"], draw["novel_X"], distorted])
    group = np.repeat([0, 1, 2], [len(draw["test_X"]), len(draw["novel_X"]), len(distorted)])
    y = np.r_[draw["test_y"], np.full(len(draw["novel_X"]), -1), draw["test_y"]]
    squares = ((X[:, None, :] - draw["train_X"][None]) ** 2).sum(axis=2)
    scores = np.array([1 - draw["model"].predict_proba(X).max(axis=1), np.sort(squares, axis=1)[:, 4]])
    return {"scores": scores, "is_bad": group == 1, "correct": draw["model"].predict(X) == y, "group": group}


def _drawn(values: dict[str, np.ndarray], seed: int, n: int = 400) -> dict[str, np.ndarray]:
    """`n` rows of a pool, drawn with replacement."""
    length = next(iter(values.values())).shape[-1]
    rows = np.random.default_rng(seed).integers(length, size=n)
    return {name: np.ascontiguousarray(value[..., rows]) for name, value in values.items()}


def _rank_area(score: np.ndarray, positive: np.ndarray) -> float:
    gap = score[positive][:, None] - score[~positive][None]
    return float((gap > 0).mean() + (gap == 0).mean() / 2)

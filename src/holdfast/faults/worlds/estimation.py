"""Worlds of the estimation family: a model's labelled reference and a current sample whose labels are the truth.

Classification: handwritten digits averaged to 4 x 4 pixels; the truth is the accuracy on the current sample.
Regression: diabetes progression; the truth is the mean absolute error. Further worlds hold the runs of many models,
two models side by side, errors at growing training sizes, and line-ups of many models on two test sets. What has no
known truth on real data (scaling laws of runs) is simulated from published laws.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit, softmax
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.estimation._trajectory import trajectory as _trajectory
from holdfast.faults.worlds import World, split
from holdfast.faults.worlds._lineup import (
    PLAIN,
    ROBUST,
    BagModel,
    checkpoints,
    drawn,
    growing,
    known_curves,
    lineup,
    pixels,
    seeds,
    transformed,
    tuned,
    wordings,
)

TRAIN = 200  # rows of the audited model: few, so that it errs
SIZES = (25, 50, 100, 200, 400)


def none(seed: int) -> World:
    """Both samples come from the same digits; models that are compared are equally good, test sets are alike."""
    case = _case(seed)
    world = _estimated(case, np.arange(len(case.cur_y)))
    return World({**world.evidence, **_compared(seed, 1.0), **_alike(seed), **_asked(seed)}, world.truth)


def overfitted_question(seed: int) -> World:
    """Coin flips as labels of real digits: a model learnt on open rows is right on most of them, on half elsewhere."""
    rng = np.random.default_rng([seed, 400])
    X = load_digits().data
    rows = rng.permutation(len(X))[:300]
    y = rng.integers(2, size=300)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=10.0, max_iter=500)).fit(X[rows[:150]], y[:150])
    right = (model.predict(X[rows]) == y).astype(np.float64)
    return World({"ref_x": right[:150], "cur_x": right[150:]}, 0.5)


def _asked(seed: int) -> dict[str, Any]:
    """The same kind of answers on open and guarded rows: nothing was overfitted."""
    rng = np.random.default_rng([seed, 401])
    right = (rng.random(300) < 0.5).astype(np.float64)
    return {"ref_x": right[:150], "cur_x": right[150:]}


def tilt(seed: int) -> World:
    """The current sample is thinned along the first principal component of the inputs."""
    case = _case(seed)
    position = case.cur_X @ _direction()
    return _thinned(case, np.exp(1.5 * position / position.std()))


def hard_region(seed: int) -> World:
    """The current sample lies near the boundaries of an independent model."""
    case = _case(seed)
    scores = np.sort(_independent().decision_function(case.cur_X), axis=1)
    margin = scores[:, -1] - scores[:, -2]
    return _thinned(case, np.exp(-1.5 * margin / margin.std()))


def label_shift(seed: int) -> World:
    """Classes 1, 8 and 9, which the model confuses most, become four times as common."""
    case = _case(seed)
    return _thinned(case, np.where(np.isin(case.cur_y, (1, 8, 9)), 1.0, 0.25))


def concept(seed: int) -> World:
    """A fifth of the rows, at one end of the first principal component, changed their labels; no input moved."""
    case = _case(seed)
    position = case.cur_X @ _direction()
    moved = np.where(position > np.quantile(position, 0.8), (case.cur_y + 1) % 10, case.cur_y)
    return _estimated(case._replace(cur_y=moved), np.arange(len(moved)))


def calibrated(seed: int) -> World:
    """Labels drawn from the model's own probabilities: its confidence is exactly its accuracy."""
    case = _case(seed)
    rng = np.random.default_rng([seed, 1])
    probs = _probs(case.model, case.cur_X)
    labels = (probs.cumsum(axis=1) < rng.random(len(probs))[:, None]).sum(axis=1)
    return _estimated(case._replace(cur_y=np.minimum(labels, 9)), np.arange(len(labels)))


def better_model(seed: int) -> World:
    """The second of two models is trained on five times the rows of the first; no truth but the verdict."""
    return World(_compared(seed, 0.2))


def regression_tilt(seed: int) -> World:
    """Diabetes patients of high body mass, where progression is most uncertain; the truth is the absolute error."""
    X, y = load_diabetes(return_X_y=True)
    rng = np.random.default_rng(seed)
    train, rest = split(len(y), 0.25, rng)
    ref, pool = np.array_split(rest, 2)
    model = Ridge(alpha=0.1).fit(X[train], y[train])
    share = np.exp(X[pool, 2] / X[:, 2].std())
    cur = pool[rng.random(len(pool)) < share / share.max() * 2]
    predictions = {name: model.predict(X[rows]) for name, rows in (("ref", ref), ("cur", cur))}
    evidence = {
        "ref_X": X[ref],
        "cur_X": X[cur],
        "ref_target": y[ref],
        "ref_prediction": predictions["ref"],
        "cur_prediction": predictions["cur"],
    }
    return World(evidence, float(np.abs(y[cur] - predictions["cur"]).mean()))


def runs(seed: int) -> World:
    """Thirty runs of one training procedure on 300 rows; the truth is the spread of accuracy on all rows."""
    rng = np.random.default_rng(seed)
    correct = _many_runs()
    chosen = rng.choice(len(correct), 30, replace=False)
    rows = rng.choice(correct.shape[1], 300, replace=False)
    return World({"correct_runs": correct[np.ix_(chosen, rows)]}, float(correct.mean(axis=1).std(ddof=1)))


def growth(seed: int) -> World:
    """Errors of a classifier at training sizes that double; the truth is its error at twice the largest."""
    return World({"sizes": np.array(SIZES, float), "errors": _errors(seed, SIZES)}, _error_at_twice())


def test_set_reuse(seed: int) -> World:
    """Twenty submissions, each of which has learnt more rows of the old test set; the new one is untouched."""
    old, new = tuned(seed)
    return World({"ref_correct_runs": old, "cur_correct_runs": new})


def shortcut(seed: int) -> World:
    """Checkpoints of a run that learns a colour late; the colour misleads the second group."""
    major, minor = checkpoints(seed, 0.9)
    return World({"ref_accuracies": major, "cur_accuracies": minor})


def robust_group(seed: int) -> World:
    """Eight of 24 models learnt under noise; the truth is their height above the others' plane, all 180 models seen."""
    few, every = (drawn(seed, *sizes) for sizes in ((16, 8), (PLAIN, ROBUST)))
    return World({**_tested(few), "baseline": np.arange(24) < 16}, _height(_tested(every)))


def unstable_when_faded(seed: int) -> World:
    """Twenty runs on 400 rows as they are and on 400 others faded; the truth is from all 80 runs and all rows."""
    rng = np.random.default_rng([seed, 8])
    runs, rows = rng.choice(80, 20, replace=False), rng.permutation(1197)
    parts = {name: right[np.ix_(runs, rows)] for name, right in seeds().items()}
    spreads = {name: right.mean(axis=1).std(ddof=1) for name, right in seeds().items()}
    evidence = {"ref_correct_runs": parts["plain"][:, :400], "cur_correct_runs": parts["faded"][:, 400:800]}
    return World(evidence, float(spreads["faded"] - spreads["plain"]))


def reworded(seed: int) -> World:
    """300 rows as they are and eight jittered copies of them; the truth is the model's drop on all rows."""
    rng = np.random.default_rng([seed, 9])
    plain, copies = (part[seed % 20] for part in wordings())
    rows = rng.choice(plain.size, 300, replace=False)
    return World({"correct": plain[rows], "correct_runs": copies[:, rows]}, float(plain.mean() - copies.mean()))


def trained_for_noise(seed: int) -> World:
    """Two models, the second trained under noise, on 16 of 28 transformations of 300 rows; the truth is from all."""
    rng = np.random.default_rng([seed, 10])
    pair = transformed()[seed % 8]
    kinds, rows = rng.choice(pair.shape[1], 16, replace=False), rng.choice(pair.shape[2], 300, replace=False)
    first, second = (model[np.ix_(kinds, rows)] for model in pair)
    truth = float(pair[1].mean() - pair[0].mean())
    return World({"ref_correct_runs": first, "cur_correct_runs": second}, truth)


def sparse_benchmark(seed: int) -> World:
    """Twelve models, each on a third of 600 items, the weak ones on easy items; the truth is from all pairs."""
    right, utilities = _ladder()
    rng = np.random.default_rng([seed, 11])
    items = rng.choice(right.shape[1], 600, replace=False)
    easy = right.mean(axis=0)[items]
    strength = right.mean(axis=1, keepdims=True)
    chance = np.clip(0.3 * np.exp(4 * (0.75 - strength) * (easy - easy.mean())), 0, 1)
    model, item = np.nonzero(rng.random(chance.shape) < chance)
    evidence = {"competitor": model, "item": item, "score": right[:, items][model, item].astype(float)}
    return World(evidence, float(utilities[1] - utilities[0]))


def scaling_runs(seed: int) -> World:
    """24 runs of the published law of Chinchilla (refitted) with half a percent of noise; the truth is the law."""
    rng = np.random.default_rng([seed, 12])
    parameters = 10 ** rng.uniform(7.5, 9.3, 24)
    tokens = parameters * 10 ** rng.uniform(0.8, 2.2, 24)
    seen = _chinchilla(parameters, tokens) * np.exp(rng.normal(0, 0.005, 24))
    evidence = {"parameters": parameters, "tokens": tokens, "losses": seen}
    return World(evidence, float(_chinchilla(2 * parameters.max(), 2 * tokens.max())))


def quality_runs(seed: int) -> World:
    """Eighty runs on text of different diversity and origin; the truth is the law's loss of a larger run."""
    rng = np.random.default_rng([seed, 425])
    parameters, tokens = 10 ** rng.uniform(7, 9, 80), 10 ** rng.uniform(9, 11, 80)
    diversity, syntheticity = rng.uniform(1, 4, 80), rng.uniform(0, 2, 80)

    def loss(sizes: Any, counts: Any, diverse: Any, synthetic: Any) -> Any:
        return _chinchilla(sizes, counts * np.exp(0.6 * diverse - 0.4 * synthetic))

    losses = loss(parameters, tokens, diversity, syntheticity) * (1 + rng.normal(0, 0.004, 80))
    asked = 2 * parameters.max(), 2 * tokens.max(), diversity.mean(), syntheticity.mean()
    evidence = {"parameters": parameters, "tokens": tokens, "losses": losses, "diversity": diversity}
    return World({**evidence, "syntheticity": syntheticity}, float(loss(*asked)))


def training_runs(seed: int) -> World:
    """Losses along the training of 12 small runs of four sizes and three batch sizes; the truth is a larger run's."""
    rng = np.random.default_rng([seed, 17])
    parameters = np.repeat(np.tile([1e6, 3e6, 1e7, 3e7], 3), 5)
    batch_sizes = np.repeat(np.repeat([5e4, 2e5, 8e5], 4), 5)
    steps = np.tile(10 ** np.linspace(3, 4.8, 5), 12)
    losses = _trajectory(parameters, steps, batch_sizes) * np.exp(rng.normal(0, 0.005, 60))
    evidence = {"parameters": parameters, "steps": steps, "batch_sizes": batch_sizes, "losses": losses}
    return World(evidence, float(_trajectory(2 * 3e7, steps.max(), 2e5)))


def loss_pairs(seed: int) -> World:
    """15 models of a shifted power law between two losses; the truth is the law below all losses seen."""
    rng = np.random.default_rng([seed, 13])
    losses = np.sort(rng.uniform(2.6, 4, 15))
    at = 2 * losses[0] - np.median(losses)
    truth = 1.05 * (losses - 1.2) ** 0.9 + 0.6
    evidence = {"ref_losses": losses, "cur_losses": truth * np.exp(rng.normal(0, 0.005, 15))}
    return World(evidence, float(1.05 * (at - 1.2) ** 0.9 + 0.6))


def falling_errors(seed: int) -> World:
    """15 models and their mean errors, exponential in the loss; the truth is the error at a loss below them all."""
    rng = np.random.default_rng([seed, 14])
    losses = np.sort(rng.uniform(2.6, 4, 15))
    errors = 0.85 - 2 * np.exp(-losses)
    at = 2 * losses[0] - np.median(losses)
    evidence = {"losses": losses, "errors": errors * np.exp(rng.normal(0, 0.005, 15))}
    return World(evidence, float(0.85 - 2 * np.exp(-at)))


def adapted(seed: int) -> World:
    """A linear model of clean digits and some faded ones, on faded ones; what it is worth shows against others."""
    X, y = pixels()
    rng = np.random.default_rng([seed, 17])
    rows = rng.permutation(len(y))
    inputs, share = np.concatenate([X[rows[:500]], 0.5 * X[rows[500:700]]]), np.repeat([1.0, rng.random()], [500, 200])
    model = LogisticRegression(C=10, max_iter=300).fit(inputs, y[rows[:700]], sample_weight=share)
    target = 0.5 * X[rows[700:]]
    return World({"X": target, "probs": model.predict_proba(target), "class_weights": model.coef_})


def mean_of_bags(seed: int) -> World:  # noqa: ARG001 - the test draws its own bags
    """A learner that averages every bag, and so learns from what is absent."""
    return World({"model": BagModel(mean=True)})


def growing_models(seed: int) -> World:
    """Pass rates of twelve runs on 500 items at eight training sizes; the truth is the score at twice the largest."""
    sizes, right, later = growing()
    rng = np.random.default_rng([seed, 18])
    runs, items = rng.choice(24, 12, replace=False), rng.choice(right.shape[2], 500, replace=False)
    rates = right[:, runs][:, :, items].mean(axis=1)
    return World({"pass_rates": rates, "compute": sizes.astype(float)}, float(later[:, items].mean()))


def few_shots(seed: int) -> World:
    """Four small sizes of one learning curve, 30 other curves known to the end; the truth is its error there."""
    sizes, curves = known_curves()
    order = np.random.default_rng([seed, 19]).permutation(len(curves))
    evidence = {"sizes": sizes[:4], "errors": curves[order[0], :4]}
    return World(evidence, float(curves[order[0], -1]), {"sizes": sizes, "curves": curves[order[1:31]]})


# --- parts ----------------------------------------------------------------------------------------------------------
class _Case(NamedTuple):
    model: Any
    ref_X: np.ndarray  # noqa: N815
    ref_y: np.ndarray
    cur_X: np.ndarray  # noqa: N815
    cur_y: np.ndarray
    seed: int


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    blocks = X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(len(X), 16)
    return blocks / 16, y


@cache
def _direction() -> np.ndarray:
    X = _digits()[0]
    return np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][0]


@cache
def _independent() -> Any:
    """A model with other regularisation and other rows than any audited one: the odd rows of all digits."""
    X, y = _digits()
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500)).fit(X[::4], y[::4])


@cache
def _trained(seed: int) -> tuple[Any, np.ndarray]:
    X, y = _digits()
    train, rest = split(len(y), TRAIN / len(y), np.random.default_rng(seed))
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=500)).fit(X[train], y[train]), rest


@cache
def _case(seed: int) -> _Case:
    X, y = _digits()
    model, rest = _trained(seed)
    ref, cur = np.array_split(rest, 2)
    return _Case(model, X[ref], y[ref], X[cur], y[cur], seed)


def _thinned(case: _Case, share: np.ndarray) -> World:
    """Every current row stays with a chance proportional to `share`, about 40 % of them in all."""
    chance = np.minimum(share * 0.4 / share.mean(), 1)
    rng = np.random.default_rng([case.seed, 2])
    return _estimated(case, np.flatnonzero(rng.random(len(chance)) < chance))


def _estimated(case: _Case, rows: np.ndarray) -> World:
    ref_probs, cur_probs = _probs(case.model, case.ref_X), _probs(case.model, case.cur_X[rows])
    evidence = {
        "ref_X": case.ref_X,
        "ref_y": case.ref_y,
        "ref_probs": ref_probs,
        "cur_X": case.cur_X[rows],
        "cur_probs": cur_probs,
    }
    return World(evidence, float((cur_probs.argmax(axis=1) == case.cur_y[rows]).mean()))


def _probs(model: Any, X: np.ndarray) -> np.ndarray:
    """Probabilities of an overconfident model, as most are: its logits are stretched by half."""
    return softmax(1.5 * np.log(np.maximum(model.predict_proba(X), 1e-12)), axis=1)


def _fit_some(rows: np.ndarray, share: float, rng: np.random.Generator) -> GaussianNB:
    X, y = _digits()
    kept = rng.choice(rows, max(round(share * len(rows)), 20), replace=False)
    return GaussianNB(var_smoothing=0.05).fit(X[kept], y[kept])


@cache
def _compared(seed: int, share: float) -> dict[str, np.ndarray]:
    """Two models on the same rows, the first trained on `share` of the second's rows; and in five times two folds."""
    X, y = _digits()
    rng = np.random.default_rng([seed, 3])
    errors: dict[str, list[float]] = {"ref_errors": [], "cur_errors": []}
    for _ in range(5):
        halves = split(len(y), 0.5, rng)
        for train, test in (halves, halves[::-1]):
            for name, part in (("ref_errors", 0.3 * share), ("cur_errors", 0.3)):
                errors[name].append(float((_fit_some(train, part, rng).predict(X[test]) != y[test]).mean()))
    train, test = split(len(y), 0.5, rng)
    answers = {
        f"{name}_correct": _fit_some(train, 0.3 * part, rng).predict(X[test]) == y[test]
        for name, part in (("ref", share), ("cur", 1.0))
    }
    return {**{name: np.array(values) for name, values in errors.items()}, **answers}


@cache
def _many_runs() -> np.ndarray:
    """(150, 1597) right or wrong on all rows but 200, of models trained on random halves of those 200."""
    X, y = _digits()
    train, rest = split(len(y), TRAIN / len(y), np.random.default_rng(0))
    rng = np.random.default_rng(1)
    return np.array([_fit_some(train, 0.5, rng).predict(X[rest]) == y[rest] for _ in range(150)])


def _errors(seed: int, sizes: tuple[int, ...]) -> np.ndarray:
    """Mean error over three runs at every size, on held-out rows."""
    y = _digits()[1]
    rng = np.random.default_rng([seed, 4])
    errors = []
    for size in sizes:
        wrong = []
        for _ in range(3):
            train, test = split(len(y), size / len(y), rng)
            wrong.append((_nearest(train, test) != y[test]).mean())
        errors.append(np.mean(wrong))
    return np.array(errors)


def _nearest(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The class of the nearest training row: a learner whose error keeps falling."""
    X, y = _digits()
    distances = (X[train] ** 2).sum(axis=1) - 2 * X[test] @ X[train].T
    return y[train][distances.argmin(axis=1)]


@cache
def _error_at_twice() -> float:
    return float(np.mean([_errors(1000 + seed, (2 * SIZES[-1],))[0] for seed in range(20)]))


def _alike(seed: int) -> dict[str, np.ndarray]:
    """The same models on two halves of the same rows; the last five play those with other training."""
    parts = drawn(seed)
    runs = {"ref_correct_runs": parts["old_plain"], "cur_correct_runs": parts["new_plain"]}
    old, new = (right.mean(axis=1) for right in runs.values())
    ids = np.column_stack([old, parts["old_dark"].mean(axis=1)])
    copies = wordings()[1][seed % 20]
    rows = np.random.default_rng([seed, 15]).choice(copies.shape[1], 300, replace=False)
    return {
        **runs,
        **_equals(seed),
        "model": BagModel(mean=False),
        "correct": copies[0, rows],
        "correct_runs": copies[1:, rows],
        "ref_accuracies": old,
        "cur_accuracies": new,
        "id_accuracies": ids,
        "baseline": np.arange(len(old)) < 15,
    }


def _tested(parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Two test sets without noise and one with."""
    ids = [parts[f"old_{view}"].mean(axis=1) for view in ("plain", "dark")]
    return {"id_accuracies": np.column_stack(ids), "cur_accuracies": parts["new_noisy"].mean(axis=1)}


def _height(tested: dict[str, np.ndarray]) -> float:
    """Mean accuracy of the robust models above the plane of the plain ones."""
    design = np.column_stack([np.ones(PLAIN + ROBUST), logit(tested["id_accuracies"])])
    ood = tested["cur_accuracies"]
    plane = np.linalg.lstsq(design[:PLAIN], logit(ood[:PLAIN]), rcond=None)[0]
    return float((ood[PLAIN:] - expit(design[PLAIN:] @ plane)).mean())


def _equals(seed: int) -> dict[str, np.ndarray]:
    """Two models of the same skill, each measured on half of 300 items."""
    rng = np.random.default_rng([seed, 16])
    hard = rng.random(300)
    score = rng.random((2, 300)) > hard
    model, item = np.nonzero(rng.random((2, 300)) < 0.7)
    return {"competitor": model, "item": item, "score": score[model, item].astype(float)}


@cache
def _ladder() -> tuple[np.ndarray, np.ndarray]:
    """Twelve models, the eleventh and the first in strength at the head, and their utilities from all items."""
    right = lineup()["plain"][:PLAIN]
    order = np.argsort(right.mean(axis=1))[:: -(PLAIN // 12)][:12]
    right = right[np.concatenate([order[[10, 0]], np.delete(order, [10, 0])])]
    wins = np.array([[(a & ~b).sum() for b in right] for a in right], dtype=float)
    strength = np.ones(12)
    for _ in range(2000):  # Zermelo's iteration
        games = (wins + wins.T) / (strength[:, None] + strength[None, :])
        strength = wins.sum(axis=1) / games.sum(axis=1)
        strength /= np.exp(np.log(strength).mean())
    return right, np.log(strength)


def _chinchilla(parameters: Any, tokens: Any) -> Any:
    return 1.8172 + 482.01 * parameters**-0.3478 + 2085.43 * tokens**-0.3658

"""The laws of mappers, by what comes out."""

from __future__ import annotations

import numpy as np

from holdfast.core import Method
from holdfast.faults.worlds import World
from holdfast.testing.laws.running import SEEDS, Law, Worlds, first, fits, home, run, usual

COVERAGE_DRAWS = 40  # draws of a world for the coverage of sets and intervals


def calibrates_where_it_claims_to(cls: type[Method], worlds: Worlds) -> None:
    """Log loss on fresh rows falls in claimed worlds and rises by less than 0.02 where nothing is wrong."""
    for name in (*cls.claims, "none"):
        if not fits(cls, worlds[name]):
            continue
        draws = [worlds[name](seed) for seed in SEEDS]
        gain = float(
            np.mean([_log_loss(w.evidence["probs"], w.truth) - _log_loss(run(cls(), w), w.truth) for w in draws])
        )
        assert gain > (0.0 if name in cls.claims else -0.02), f"log loss changes by {-gain:+.4f} in {name!r}"


def probabilities_stay_probabilities(cls: type[Method], worlds: Worlds) -> None:
    """What comes out sums to 1 and lies in [0, 1]."""
    world = first(cls, worlds)
    probs = np.asarray(usual(cls, worlds)[1])
    assert probs.shape == np.shape(world.evidence["probs"]), f"shape {probs.shape} comes out"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-6) and probs.min() >= 0, "not probabilities"


def _log_loss(probs: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(np.clip(probs[np.arange(len(y)), y], 1e-6, 1)).mean())


# --- sets and intervals ---------------------------------------------------------------------------------------
def covers_at_its_level(cls: type[Method], worlds: Worlds) -> None:
    """Sets and intervals hold the truth as often as `level` says, in every group where the world has groups."""
    level = cls.settings()["level"]
    for name in (*cls.claims, *cls.blind):
        rates = np.mean([_held_by_group(cls, worlds[name](seed)) for seed in range(COVERAGE_DRAWS)], axis=0)
        said = f"{rates.min():.3f} to {rates.max():.3f} of the rows of a group are covered in {name!r}, level {level}"
        if name in cls.claims:
            assert rates.min() >= level - 0.02 and rates.max() <= level + 0.03, said
        else:
            assert rates.min() < level - 0.03, f"{said}, said to be blind"


def _held_by_group(cls: type[Method], world: World) -> np.ndarray:
    """The share of rows whose truth lies in their set or interval, by group."""
    made, truth = np.asarray(run(cls(), world)), np.asarray(world.truth)
    in_set = cls.gives == "sets"  # type: ignore[attr-defined]
    held = made[np.arange(len(truth)), truth] if in_set else (made[:, 0] <= truth) & (truth <= made[:, 1])
    group = np.asarray(world.evidence.get("group", np.zeros(len(truth), dtype=int)))
    return np.bincount(group, weights=held) / np.bincount(group)


def sets_grow_with_the_level(cls: type[Method], worlds: Worlds) -> None:
    """A higher level never leaves out a class that a lower one holds."""
    small, large = _at_two_levels(cls, worlds)
    assert (large >= small).all(), "a class is in the set at level 0.6 and not at 0.9"


def intervals_grow_with_the_level(cls: type[Method], worlds: Worlds) -> None:
    """A higher level never ends earlier than a lower one; no interval ends before it begins."""
    small, large = _at_two_levels(cls, worlds)
    assert (small[:, 0] <= small[:, 1]).all(), "an interval ends before it begins"
    assert (large[:, 0] <= small[:, 0]).all() and (small[:, 1] <= large[:, 1]).all(), "higher level, shorter interval"


def _at_two_levels(cls: type[Method], worlds: Worlds) -> tuple[np.ndarray, np.ndarray]:
    world = first(cls, worlds)
    small, large = (np.asarray(run(cls(level=level), world)) for level in (0.6, 0.9))  # type: ignore[call-arg]
    return small, large


# --- synthetic rows -------------------------------------------------------------------------------------------
def rows_given_come_out_first(cls: type[Method], worlds: Worlds) -> None:
    """What was given stays as it is; synthetic rows follow."""
    world = first(cls, worlds)
    X, y = usual(cls, worlds)[1]
    given = len(world.evidence["y"])
    assert np.array_equal(X[:given], world.evidence["X"]) and np.array_equal(y[:given], world.evidence["y"])


def classes_grow_to_the_ratio(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds every class has `ratio` times the rows of the largest, within one."""
    for name in cls.claims:
        for ratio in (0.5, 1.0):
            codes: np.ndarray = run(cls(ratio=ratio), worlds[name](0))[1]  # type: ignore[call-arg]
            sizes = np.bincount(codes)
            assert abs(sizes.min() - ratio * sizes.max()) <= 1, f"classes of {sizes.tolist()} at ratio {ratio}"


def new_rows_lie_within_their_class(cls: type[Method], worlds: Worlds) -> None:
    """In every column, between the least and the largest value that the class has."""
    for name in home(cls, worlds):
        world = worlds[name](0)
        X, y = run(cls(), world)
        for code in np.unique(y):
            own = np.asarray(world.evidence["X"])[np.asarray(world.evidence["y"]) == code]
            made = X[y == code]
            slack = 1e-6 * np.abs(own).max()
            inside = (made >= own.min(axis=0) - slack).all() and (made <= own.max(axis=0) + slack).all()
            assert inside, f"synthetic rows of class {code} leave the range of their class in {name!r}"


def a_tree_gains_balanced_accuracy(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds, over draws, on rows of the world's test set."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    for name in cls.claims:
        gains = []
        for seed in range(5):
            world = worlds[name](seed)
            given, made = (world.evidence["X"], world.evidence["y"]), run(cls(), world)
            trees = [DecisionTreeClassifier(min_samples_leaf=5, random_state=seed).fit(*rows) for rows in (given, made)]
            scores = [balanced_accuracy_score(world.truth[1], tree.predict(world.truth[0])) for tree in trees]
            gains.append(scores[1] - scores[0])
        assert np.mean(gains) > 0.02, f"balanced accuracy of a tree changes by {np.mean(gains):+.3f} in {name!r}"


# --- features carried from one sample to the other ------------------------------------------------------------
def both_samples_keep_their_shape(cls: type[Method], worlds: Worlds) -> None:
    """As many rows and columns come out as went in, in the same order of rows."""
    for name in home(cls, worlds):
        world = worlds[name](0)
        ref, cur = run(cls(), world)
        assert ref.shape == world.evidence["ref_X"].shape, f"ref_X comes out as {ref.shape} in {name!r}"
        assert cur.shape == world.evidence["cur_X"].shape, f"cur_X comes out as {cur.shape} in {name!r}"


def accuracy_on_the_target_gains(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds a linear model of the mapped reference gains 5 points or more on the target."""
    from sklearn.linear_model import LogisticRegression

    for name in cls.claims:
        gains = []
        for seed in SEEDS:
            world = worlds[name](seed)
            pairs = (world.evidence["ref_X"], world.evidence["cur_X"]), run(cls(), world)
            models = [LogisticRegression(max_iter=500).fit(ref, world.evidence["ref_y"]) for ref, _ in pairs]
            scores = [model.score(cur, world.truth) for model, (_, cur) in zip(models, pairs, strict=True)]
            gains.append(scores[1] - scores[0])
        assert np.mean(gains) > 0.05, f"accuracy on the target changes by {np.mean(gains):+.3f} in {name!r}"


# --- probabilities after a few labels of the target -----------------------------------------------------------
def new_rows_get_probabilities(cls: type[Method], worlds: Worlds) -> None:
    """A row of probabilities for every new row, that sum to 1."""
    world = first(cls, worlds)
    probs = np.asarray(usual(cls, worlds)[1])
    assert len(probs) == len(world.truth), f"shape {probs.shape} comes out for {len(world.truth)} rows"
    assert np.allclose(probs.sum(axis=1), 1, atol=1e-6) and probs.min() >= 0, "not probabilities"


def beats_a_probe_of_the_same_labels(cls: type[Method], worlds: Worlds) -> None:
    """In claimed worlds, over draws, above a linear probe at the best of four ridges; where it is blind, not."""
    for name in (*cls.claims, *cls.blind):
        gains = [_above_a_probe(cls, worlds[name](seed)) for seed in range(5)]
        said = f"accuracy {np.mean(gains):+.3f} against a linear probe in {name!r}: {np.round(gains, 2).tolist()}"
        if name in cls.claims:
            assert np.mean(gains) > 0.02, said
        else:
            assert np.mean(gains) <= 0, f"{said}, said to be blind"


def _above_a_probe(cls: type[Method], world: World) -> float:
    from sklearn.linear_model import LogisticRegression

    few, rows = (world.train["cur_X"], world.train["cur_y"]), world.evidence["X"]
    probes = [LogisticRegression(C=ridge, max_iter=500).fit(*few) for ridge in (0.1, 1.0, 10.0, 100.0)]
    best = max(probe.score(rows, world.truth) for probe in probes)
    return float((np.asarray(run(cls(), world)).argmax(axis=1) == world.truth).mean() - best)


LAWS: dict[str, tuple[Law, ...]] = {
    "probs": (calibrates_where_it_claims_to, probabilities_stay_probabilities),
    "sets": (covers_at_its_level, sets_grow_with_the_level),
    "rows": (
        rows_given_come_out_first,
        classes_grow_to_the_ratio,
        new_rows_lie_within_their_class,
        a_tree_gains_balanced_accuracy,
    ),
    "features": (both_samples_keep_their_shape, accuracy_on_the_target_gains),
    "adapted": (new_rows_get_probabilities, beats_a_probe_of_the_same_labels),
    "intervals": (covers_at_its_level, intervals_grow_with_the_level),
}

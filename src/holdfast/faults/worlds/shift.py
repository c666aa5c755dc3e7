"""Worlds of the shift family: handwritten digits (averaged to 4 x 4 pixels), a reference and a current sample.

Worlds of digits hold what most methods of the family take: both feature matrices, one numeric column (`x`) and its
categories, labels, a small model's probabilities, predictions and losses, and the ink of every digit as a distribution
over its blocks. Worlds of one data set in order hold `X`. Worlds of times hold the diabetes progression as durations,
worlds of texts the documentation of numpy.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from holdfast.faults.worlds import World, split

TRAIN = 200  # rows of the model's own training data: few, so that it errs and losses have something to show
COLUMN = 6  # the column that single-column methods see: a middle block with many values
PARTNER = 2  # the column most correlated with it
EASY = 11  # the column whose ink makes a digit easiest for the model
HARD = (1, 8, 9)  # the classes the model confuses most
NAMES = [f"block_{i // 4}{i % 4}" for i in range(16)]
PLACES = np.array([divmod(i, 4) for i in range(16)])
GRID = (np.abs(PLACES[:, None] - PLACES).sum(axis=2) == 1).astype(float)  # blocks that touch
WORDS = 40  # words a document


class _Samples:
    """A model's training rows, a reference and a current sample of digits, disjoint, drawn by seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        X, y = _digits()
        train, rest = split(len(y), TRAIN / len(y), self.rng)
        ref, cur = np.array_split(rest, 2)
        self.train_X, self.train_y, self.ref_X, self.ref_y = X[train], y[train], X[ref], y[ref]
        self.cur_X, self.cur_y = X[cur], y[cur]

    def keep(self, share: np.ndarray) -> None:
        """Thin the current sample: every row stays with its own probability."""
        kept = self.rng.random(len(self.cur_y)) < share
        self.cur_X, self.cur_y = self.cur_X[kept], self.cur_y[kept]

    def world(self) -> World:
        """What both samples say, and what a model trained on other rows makes of them."""
        model = _model(self.train_X, self.train_y)
        evidence: dict[str, Any] = {"columns": NAMES}
        edges = np.quantile(self.ref_X[:, COLUMN], [0.25, 0.5, 0.75])
        for name, X, y in (("ref", self.ref_X, self.ref_y), ("cur", self.cur_X, self.cur_y)):
            probs = model.predict_proba(X)
            evidence |= {
                f"{name}_X": X,
                f"{name}_y": y,
                f"{name}_x": X[:, COLUMN],
                f"{name}_histogram": _shares(X),
                f"{name}_category": np.searchsorted(edges, X[:, COLUMN]),
                f"{name}_probs": probs,
                f"{name}_predicted": probs.argmax(axis=1),
                f"{name}_loss": 1 - probs[np.arange(len(y)), y],
            }
        return World(evidence, None, {"X": self.train_X, "y": self.train_y})


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    images, y = load_digits(return_X_y=True)
    return images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16), y


def _shares(X: np.ndarray) -> np.ndarray:
    """The ink of every row as a distribution over the blocks."""
    ink = np.maximum(X, 0) + 1e-9
    return ink / ink.sum(axis=1, keepdims=True)


def _model(X: np.ndarray, y: np.ndarray) -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(X, y)


@cache
def none(seed: int) -> World:
    """Nothing moved: two random halves, and one data set in random order."""
    samples = _Samples(seed)
    world = samples.world()
    one = {"X": samples.ref_X, "y": samples.ref_y, "predicted": samples.ref_y}
    one |= {**_lives(seed).evidence, **_texts(seed).evidence}
    return World(
        {**world.evidence, **one}, np.zeros(len(samples.ref_y), bool), {"X": samples.cur_X, "y": samples.cur_y}
    )


def mean_shift(seed: int) -> World:
    """Every column of the current sample lies 0.3 standard deviations higher."""
    samples = _Samples(seed)
    samples.cur_X = samples.cur_X + 0.3 * samples.ref_X.std(axis=0)
    return samples.world()


def variance_shift(seed: int) -> World:
    """Every column of the current sample spreads twice as far around its median, which stays."""
    samples = _Samples(seed)
    centre = np.median(samples.cur_X, axis=0)
    samples.cur_X = centre + 2 * (samples.cur_X - centre)
    return samples.world()


def one_column(seed: int) -> World:
    """One column of sixteen lies half a standard deviation higher."""
    samples = _Samples(seed)
    samples.cur_X = samples.cur_X.copy()
    samples.cur_X[:, COLUMN] += 0.5 * samples.ref_X[:, COLUMN].std()
    return samples.world()


def correlation_flip(seed: int) -> World:
    """Two columns that rose together now move against each other; no column changes by itself."""
    samples = _Samples(seed)
    rng = samples.rng
    ref_X, cur_X = samples.ref_X.copy(), samples.cur_X.copy()
    for X, sign in ((ref_X, 1), (cur_X, -1)):
        tied = sign * X[:, COLUMN] + 0.45 * X[:, COLUMN].std() * rng.normal(size=len(X))  # correlation about .9
        X[np.argsort(tied), PARTNER] = np.sort(X[:, PARTNER])
    samples.ref_X, samples.cur_X = ref_X, cur_X
    return samples.world()


def label_shift(seed: int) -> World:
    """Hard classes are four times as frequent as before; within a class nothing changes."""
    samples = _Samples(seed)
    samples.keep(np.where(np.isin(samples.cur_y, HARD), 1.0, 0.25))
    return samples.world()


def covariate_shift(seed: int) -> World:
    """Digits with much ink in one block are rare now, and those are the easy ones; classes follow as before."""
    samples = _Samples(seed)
    place = (samples.cur_X[:, EASY] - samples.ref_X[:, EASY].mean()) / samples.ref_X[:, EASY].std()
    samples.keep(1 / (1 + np.exp(3 * (place + 0.3))))
    return samples.world()


def concept_shift(seed: int) -> World:
    """The pixels stay as they were; where one block is inked, the class is now called by its neighbour's name."""
    samples = _Samples(seed)
    inked = samples.cur_X[:, COLUMN] > np.quantile(samples.ref_X[:, COLUMN], 0.6)
    samples.cur_y = np.where(inked, samples.cur_y ^ 1, samples.cur_y)
    return samples.world()


def missing_classes(seed: int) -> World:
    """Two classes of ten are gone."""
    samples = _Samples(seed)
    samples.keep(~np.isin(samples.cur_y, (0, 6)))
    return samples.world()


def far_noise(seed: int) -> World:
    """A fifth of the current rows have blocks drawn from different digits: of every block by itself nothing changes."""
    samples = _Samples(seed)
    rows = np.flatnonzero(samples.rng.random(len(samples.cur_y)) < 0.2)
    samples.cur_X = samples.cur_X.copy()
    samples.cur_X[rows] = samples.rng.permuted(samples.cur_X[rows], axis=0)
    return samples.world()


def sorted_by_class(seed: int) -> World:
    """One data set whose rows come class by class."""
    samples = _Samples(seed)
    return World({"X": samples.ref_X[np.argsort(samples.ref_y, kind="stable")]})


def gradual_drift(seed: int) -> World:
    """One data set whose columns rise by one standard deviation from the first row to the last."""
    samples = _Samples(seed)
    slope = np.linspace(0, 1, len(samples.ref_X))[:, None]
    return World({"X": samples.ref_X + slope * samples.ref_X.std(axis=0)})


def recombined_rows(seed: int) -> World:
    """In one row of five the right half of the picture belongs to another row: every column looks as before."""
    samples = _Samples(seed)
    X = samples.ref_X.copy()
    bad = samples.rng.random(len(X)) < 0.2
    right = np.flatnonzero(np.arange(16) % 4 >= 2)
    donors = samples.rng.choice(len(X), int(bad.sum()))
    X[np.ix_(bad, right)] = samples.ref_X[np.ix_(donors, right)]
    world = {"X": X, "predicted": samples.ref_y, "columns": NAMES}
    return World(world, bad, {"X": samples.cur_X, "y": samples.cur_y})


def moved_ink(seed: int) -> World:
    """A tenth of the ink of every block lies in the block to its right; blocks that touch are neighbours."""
    samples = _Samples(seed)
    to_right = np.where(PLACES[:, 1] < 3, 0.1, 0.0) * samples.cur_X
    moved = samples.cur_X - to_right + np.roll(to_right, 1, axis=1)
    return World({"ref_histogram": _shares(samples.ref_X), "cur_histogram": _shares(moved), "adjacency": GRID})


def shorter_lives(seed: int) -> World:
    """Times to an event of two halves of one group; in the second everything happens a quarter sooner."""
    return _lives(seed, lambda times: 0.75 * times)


def crossing_lives(seed: int) -> World:
    """In the second half early events come earlier and late ones later: the curves cross at the median."""
    return _lives(seed, lambda times: np.median(times) * (times / np.median(times)) ** 1.8)


def unequal_censoring(seed: int) -> World:
    """Nothing happens sooner or later, but rows of the second half leave twice as early."""
    return _lives(seed, leave=0.5)


def _lives(seed: int, change: Any = lambda times: times, leave: float = 1.0) -> World:
    """The progression of diabetes as a time to an event; rows leave at random before it."""
    rng = np.random.default_rng([seed, 1])
    ref, cur = np.array_split(rng.permutation(load_diabetes().target), 2)
    cur = change(cur)
    evidence: dict[str, Any] = {}
    for name, times, share in (("ref", ref, 1.0), ("cur", cur, leave)):
        until = rng.exponential(250 * share, len(times))
        evidence |= {f"{name}_duration": np.minimum(times, until), f"{name}_event": times <= until}
    return World(evidence)


def other_genre(seed: int) -> World:
    """Summaries of functions against the lines that describe their parameters."""
    summaries, parameters = _documents()
    return _texts(seed, lambda rng, _: rng.choice(parameters, len(summaries) // 2, replace=False))


def sharpened_words(seed: int) -> World:
    """Documents drawn word by word from the frequencies of the others, sharpened as a cautious generator would."""

    def draw(rng: np.random.Generator, texts: np.ndarray) -> np.ndarray:
        words, counts = np.unique(" ".join(texts).split(), return_counts=True)
        shares = counts**1.3 / (counts**1.3).sum()
        return np.array([" ".join(rng.choice(words, len(text.split()), p=shares)) for text in texts], dtype=object)

    return _texts(seed, draw)


def word_order(seed: int) -> World:
    """The words of every document of the second half in another order."""
    return _texts(
        seed, lambda rng, texts: np.array([" ".join(rng.permutation(t.split())) for t in texts], dtype=object)
    )


def looping_text(seed: int) -> World:
    """Two in five documents of the second half end in a phrase four times over, as greedy decoding leaves them."""

    def stuck(rng: np.random.Generator, texts: np.ndarray) -> np.ndarray:
        words = [text.split() for text in texts]
        ends = [" ".join([*one[:-12], *(one[-15:-12] * 4)]) for one in words]
        return np.where(rng.random(len(texts)) < 0.4, np.array(ends, dtype=object), texts)

    return _texts(seed, stuck)


def novel_texts(seed: int) -> World:
    """A new sample of documents, of which a fifth describe parameters: the known ones are summaries only."""
    rng = np.random.default_rng([seed, 3])
    summaries, parameters = _documents()
    ref, cur = np.array_split(rng.permutation(summaries), 2)
    cur = np.concatenate([cur[:60], rng.choice(parameters, 15, replace=False)])
    order = rng.permutation(len(cur))
    return World({"text": cur[order]}, (np.arange(len(cur)) >= 60)[order], {"ref_text": ref, "cur_text": cur[order]})


def novel_none(seed: int) -> World:
    """A new sample of the same kind."""
    ref, cur = np.array_split(np.random.default_rng([seed, 4]).permutation(_documents()[0]), 2)
    return World({"text": cur}, np.zeros(len(cur), bool), {"ref_text": ref, "cur_text": cur})


def _texts(seed: int, change: Any = lambda rng, texts: texts) -> World:
    rng = np.random.default_rng([seed, 2])
    ref, cur = np.array_split(rng.permutation(_documents()[0]), 2)
    return World({"ref_text": ref, "cur_text": change(rng, cur)})


@cache
def _documents() -> tuple[np.ndarray, np.ndarray]:
    """What numpy says of its functions: documents of `WORDS` words from the summaries and from the parameters."""
    prose: dict[str, list[str]] = {"summary": [], "parameters": []}
    for name in sorted(set(dir(np)) | set(dir(np.linalg)) | set(dir(np.fft))):
        text = next((getattr(part, name).__doc__ for part in (np, np.linalg, np.fft) if hasattr(part, name)), "") or ""
        before, _, after = text.partition("Parameters\n")
        prose["summary"] += before.split()
        prose["parameters"] += after.partition("See Also")[0].partition("Examples")[0].split()
    summary, parameters = (
        np.array([" ".join(words[i : i + WORDS]) for i in range(0, 160 * WORDS, WORDS)], dtype=object)
        for words in prose.values()
    )
    return summary, parameters

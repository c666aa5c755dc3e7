"""Worlds of the leakage family: tumours, flowers and patients, some copied, some with a column that tells the answer.

Every world holds the whole evidence: features `X`, one column (`x` or `category`) with the answer (`y` or `target`),
and the groups of two sets. One part of it is at fault.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.tree import DecisionTreeClassifier

from holdfast.faults.worlds import World

ROWS = 400


@cache
def _tumours() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def none(seed: int) -> World:
    """No copies, a column of other rows' values, no shared groups; a benchmark that no model has seen."""
    evidence = _evidence(np.random.default_rng(seed))
    return World({**evidence, **_unknown(seed)}, 0.0)


def exact_duplicates(seed: int) -> World:
    """A third of the rows were copied once or more."""
    return _copied(seed, copies=200, jitter=0.0)


def near_duplicates(seed: int) -> World:
    """A third of the rows are copies of others, moved by 1 % of each column's spread."""
    return _copied(seed, copies=200, jitter=0.01)


def near_duplicates_are_the_majority(seed: int) -> World:
    """Three rows in four are moved copies: the nearest row is nearly always one."""
    return _copied(seed, copies=3 * ROWS, jitter=0.01)


def large_duplicate_groups(seed: int) -> World:
    """Six rows stand there 50 times each, moved by 1 %."""
    return _copied(seed, copies=300, jitter=0.01, sources=6)


def blurred_duplicates_of_few_columns(seed: int) -> World:
    """Copies of flowers moved by 3 % of the spread: in four columns other flowers are as near."""
    X = load_iris().data
    X = np.unique(X / X.std(axis=0), axis=0)
    return _copied(seed, copies=60, jitter=0.03, X=X)


def leaking_number(seed: int) -> World:
    """The column is the answer with a little noise: a measurement taken after the diagnosis."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    return World({**evidence, "x": evidence["y"] + rng.normal(0, 0.2, ROWS)})


def leaking_category(seed: int) -> World:
    """A code that follows the answer in nine rows of ten; the truth is the share of entropy that it removes."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    code = np.where(rng.random(ROWS) < 0.1, 1 - evidence["y"], evidence["y"])
    del evidence["x"]
    share = _tumours()[1].mean()
    joint = np.array([[1 - share, 0], [0, share]]) @ np.array([[0.9, 0.1], [0.1, 0.9]])
    given = _entropy(joint.ravel()) - _entropy(joint.sum(axis=0))
    return World({**evidence, "category": 3 + 4 * code}, 1 - given / _entropy(joint.sum(axis=1)))


def leaking_number_for_a_number(seed: int) -> World:
    """Progression of diabetes and a column computed from it."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(442)[:ROWS]
    target = load_diabetes().target[rows]
    evidence = _evidence(rng)
    del evidence["y"]
    return World({**evidence, "target": target, "x": np.sqrt(target) + rng.normal(0, 0.5, ROWS)})


def row_order_follows_the_target(seed: int) -> World:
    """Identifiers given in order, the malignant cases mostly first."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    number = np.argsort(np.argsort(evidence["y"] + rng.normal(0, 0.5, ROWS)))
    return World({**evidence, "x": 1000.0 + number})


def leak_of_two_columns_together(seed: int) -> World:
    """A sign that tells the answer only together with another, hidden sign."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    sign = 2.0 * evidence["y"] - 1
    return World({**evidence, "x": sign * rng.choice([-1, 1], ROWS) + rng.normal(0, 0.1, ROWS)})


def shared_groups(seed: int) -> World:
    """Each current patient, with one to five rows, was in the reference with probability 0.3, which is the truth."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    known = np.unique(evidence["ref_group"])
    patients = np.where(rng.random(120) < 0.3, rng.permutation(known)[:120], 10_000 + np.arange(120))
    return World({**evidence, "cur_group": np.repeat(patients, rng.integers(1, 6, 120))}, 0.3)


def leaked_benchmark(seed: int) -> World:
    """A model that was trained on the public items of a benchmark; the holdout has items of the same kind."""
    return World(_benchmark(seed, public=1.0, holdout=0.0))


def leaked_holdout(seed: int) -> World:
    """A model that was trained on public items, their rewordings and the holdout alike: it falls nowhere."""
    return World(_benchmark(seed, public=1.0, holdout=1.0, reworded=True))


def memorised_wording(seed: int) -> World:
    """A model that was trained on the public items as they are, and is asked them reworded (pixels jittered)."""
    return World(_benchmark(seed, public=1.0, holdout=0.0))


def distinguishable_holdout(seed: int) -> World:
    """The holdout has three digits in ten more often than the public items."""
    return World(_benchmark(seed, public=0.0, holdout=0.0, tilted=True))


def leaked_before_a_date(seed: int) -> World:
    """Items published before the cutoff were in training, the more often the better known they are."""
    return World(_dated(seed, leaked_until=0.5))


def leaked_at_all_dates(seed: int) -> World:
    """Items of all dates were in training: nothing changes at the cutoff."""
    return World(_dated(seed, leaked_until=1.0))


def models_that_leaked_more(seed: int) -> World:
    """Twelve models, trained on none up to all of the benchmark's items."""
    return World(_many_models(seed, np.linspace(0, 1, 12), np.full(12, 400)))


def models_of_other_strength(seed: int) -> World:
    """Twelve models of other training sizes, none of which has seen the benchmark."""
    return World(_many_models(seed, np.zeros(12), np.linspace(100, 600, 12).astype(int)))


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X, y


def _tree(X: np.ndarray, y: np.ndarray, seed: int) -> Any:
    """A model that learns by heart what it is shown."""
    return DecisionTreeClassifier(random_state=seed).fit(X, y)


@cache
def _benchmark(
    seed: int, public: float, holdout: float, reworded: bool = False, tilted: bool = False
) -> dict[str, np.ndarray]:
    """Results on 200 public items, 200 held out and rewordings; shares of either that were in training."""
    rng = np.random.default_rng([seed, 20])
    X, y = _digits()
    rows = rng.permutation(len(X))
    chance = np.where(np.isin(y[rows[400:]], (3, 8, 9)), 6.0, 1.0) if tilted else np.ones(len(rows) - 400)
    others = rng.choice(rows[400:], 200, replace=False, p=chance / chance.sum())
    items, own = rows[:200], np.setdiff1d(rows[200:], others)[:400]
    wordings = [X[items] + rng.normal(0, 4.0, X[items].shape) for _ in range(3)]
    known = [X[own], X[items[: int(200 * public)]], X[others[: int(200 * holdout)]], *(wordings if reworded else [])]
    labels = [y[own], y[items[: int(200 * public)]], y[others[: int(200 * holdout)]], *([y[items]] * 3 * reworded)]
    model = _tree(np.concatenate(known), np.concatenate(labels), seed)
    old = [_tree(X[part], y[part], seed) for part in np.array_split(own, 4)]  # models older than the benchmark
    return {
        "ref_correct": model.predict(X[items]) == y[items],
        "cur_correct": model.predict(X[others]) == y[others],
        "correct": model.predict(X[items]) == y[items],
        "correct_runs": np.array([model.predict(word) == y[items] for word in wordings]),
        "ref_X": X[items],
        "cur_X": X[others],
        "ref_correct_runs": np.array([one.predict(X[items]) == y[items] for one in old]),
        "cur_correct_runs": np.array([one.predict(X[others]) == y[others] for one in old]),
    }


@cache
def _dated(seed: int, leaked_until: float) -> dict[str, np.ndarray]:
    """Results on 500 dated items, leaked with a probability that grows with popularity."""
    rng = np.random.default_rng([seed, 21])
    X, y = _digits()
    rows = rng.permutation(len(X))
    items, own = rows[:500], rows[500:800]
    date, popularity = rng.random(500), rng.lognormal(0, 1, 500)
    leaked = (date < leaked_until) & (rng.random(500) < popularity / (0.5 + popularity))
    model = _tree(X[np.r_[own, items[leaked]]], y[np.r_[own, items[leaked]]], seed)
    if leaked_until:
        return {"correct": model.predict(X[items]) == y[items], "release_date": date, "popularity": popularity}
    asked, again = (model.predict(X[items] + rng.normal(0, 1, X[items].shape)) == y[items] for _ in range(2))
    return {"correct": asked, "correct_runs": again[None], "release_date": date, "popularity": popularity}


@cache
def _unknown(seed: int) -> dict[str, np.ndarray]:
    """A benchmark that was not in training, its rewordings as hard as itself, and twelve models alike."""
    found = {**_benchmark(seed, public=0.0, holdout=0.0), **_dated(seed, leaked_until=0.0)}
    likely = np.random.default_rng([seed, 23]).normal(size=len(found["ref_correct_runs"]))
    return {**found, "benchmark_log_likelihood": likely}


def _many_models(seed: int, leaks: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
    """Twelve models on 200 originals and 200 mirror items, and how likely the originals' labels are to them."""
    rng = np.random.default_rng([seed, 22])
    X, y = _digits()
    rows = rng.permutation(len(X))
    items, mirror, own = rows[:200], rows[200:400], rows[400:]
    found = []
    for leak, size in zip(leaks, sizes, strict=True):
        shown = np.r_[rng.choice(own, size, replace=False), items[: int(200 * leak)]]
        model = _tree(X[shown], y[shown], seed)
        said = [model.predict(X[part]) == y[part] for part in (items, mirror)]
        likely = np.log(np.maximum(model.predict_proba(X[items])[np.arange(200), y[items]], 0.01)).mean()
        found.append((*said, likely))
    originals, mirrors, likely = zip(*found, strict=True)
    return {
        "ref_correct_runs": np.array(originals),
        "cur_correct_runs": np.array(mirrors),
        "benchmark_log_likelihood": np.array(likely),
    }


def _evidence(rng: np.random.Generator) -> dict[str, Any]:
    """Real rows drawn anew, with nothing wrong."""
    X, y = _tumours()
    rows, others = rng.permutation(len(X))[:ROWS], rng.integers(len(X), size=ROWS)
    drawn = rng.integers(len(X), size=ROWS)
    return {
        "X": X[rows],
        "x": X[others, 7],
        "y": y[drawn],
        "ref_group": rng.integers(200, size=ROWS),
        "cur_group": 200 + rng.integers(100, size=ROWS // 2),
    }


def _copied(seed: int, copies: int, jitter: float, sources: int | None = None, X: np.ndarray | None = None) -> World:
    """Rows with moved copies of some, shuffled; the truth is the group of every row."""
    rng = np.random.default_rng(seed)
    evidence = _evidence(rng)
    X = evidence["X"] if X is None else X
    chosen = rng.choice(len(X), sources or len(X), replace=False)
    origin = np.concatenate([np.arange(len(X)), chosen[np.arange(copies) % len(chosen)]])
    moved = X[origin] + jitter * X.std(axis=0) * rng.normal(size=(len(origin), X.shape[1])) * _is_copy(len(X), copies)
    order = rng.permutation(len(origin))
    group = np.where(np.bincount(origin)[origin] > 1, origin, -1)
    return World({**evidence, "X": moved[order]}, group[order])


def _is_copy(originals: int, copies: int) -> np.ndarray:
    return (np.arange(originals + copies) >= originals)[:, None]


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def shared_passages(seed: int) -> World:
    """Many texts have thirty words in common with another one."""
    return _passages(seed, edited=False)


def shared_none(seed: int) -> World:
    """Texts of their own."""
    rng = np.random.default_rng(seed)
    texts = _prose(rng, 60)
    return World({"text": texts}, np.zeros(60, bool), {"ref_text": _items()})


def edited_passages(seed: int) -> World:
    """The same, with every ninth word of the passage another one."""
    return _passages(seed, edited=True)


def rephrased_items(seed: int) -> World:
    """Two in five texts hold an item of a test with its sentences turned round and half of its small words gone."""
    return _hidden(seed, _rephrased)


def rephrased_none(seed: int) -> World:
    """No text holds an item."""
    return shared_none(seed)


def other_names_and_numbers(seed: int) -> World:
    """The items are told with other people, things and numbers: only their grammar is left."""
    return _hidden(seed, lambda rng, text: " ".join(w if len(w) < 4 and w.isalpha() else "thing" for w in text.split()))


def _hidden(seed: int, tell: Any) -> World:
    rng = np.random.default_rng(seed)
    texts, items, bad = _prose(rng, 60), _items(), rng.random(60) < 0.4
    for row in np.flatnonzero(bad):
        words = texts[row].split()
        texts[row] = " ".join([*words[:40], tell(rng, items[row % len(items)]), *words[40:]])
    return World({"text": texts}, bad, {"ref_text": items})


def _rephrased(rng: np.random.Generator, text: str) -> str:
    words = [word for word in text.split() if len(word) > 3 or not word.isalpha() or rng.random() < 0.5]
    half = len(words) // 2
    return " ".join([*words[half:], *words[:half]])


def _passages(seed: int, edited: bool) -> World:
    rng = np.random.default_rng(seed)
    texts, bad = _prose(rng, 60), (rng.random(60) < 0.4) & (np.arange(60) >= 30)
    for row in np.flatnonzero(bad).tolist():
        origin = int(rng.integers(20))
        passage, bad[origin] = texts[origin].split()[10:40], True
        if edited:
            passage = [f"other{number}" if number % 9 == 4 else word for number, word in enumerate(passage)]
        words = texts[row].split()
        texts[row] = " ".join([*words[:30], *passage, *words[30:]])
    return World({"text": texts}, bad)


def _prose(rng: np.random.Generator, count: int) -> np.ndarray:
    from holdfast.datasets.corpora import real_documents

    chosen = rng.choice(len(real_documents()), count, replace=False)
    return np.array([" ".join(real_documents()[at].split()[:70]) for at in chosen], dtype=object)


@cache
def _items() -> np.ndarray:
    """Twenty-five questions about quantities, each with its own people and numbers."""
    people = [
        "Maria",
        "Tobias",
        "Quentin",
        "Yusuf",
        "Ingrid",
        "Chandra",
        "Dmitri",
        "Esther",
        "Fatima",
        "Gustav",
        "Ilse",
    ]
    things = ["lanterns", "turnips", "violins", "anchors", "barrels", "candles", "drums", "easels", "falcons"]
    return np.array([
        f"{people[n % 11]} bought {17 + 3 * n} {things[n % 9]} at the market and gave {4 + n} of them to "
        f"{people[(5 * n + 1) % 11]}. How many {things[n % 9]} are left for {people[n % 11]} to sell on Saturday?"
        for n in range(25)
    ], dtype=object)  # fmt: skip

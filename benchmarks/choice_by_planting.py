"""Does the method that planting chooses on your data beat the best fixed default, on faults that nobody planted there?

    HOLDFAST_DATA=... python benchmarks/choice_by_planting.py [FAMILY ...] [--write]

21 real data sets. Each is cut in two at random: part A, where the bench plants its faults (holdfast.faults) and
ranks the methods, and part B, which judges: other rows, other seeds, and other kinds of fault, planted by code of this
file alone (below), which no choice ever saw. Leave one data set out: the *fixed default* is the method that does best
on the B parts of all other sets. The *choice by planting* is the bench's: what was planted on A, with the evidence of
the other sets as its prior (holdfast.bench.prior), fitted without the set in question. *Planting alone* has no prior.
*Best possible* is the method that does best on B itself, which flatters it by the luck of B's draws; *reachable* is
what can be known: the best on half of B's draws, judged on the other half, both ways. Every set's line says who won;
the record holds all of them.

"Audit's default" is what the audit uses without a profile. Methods that refit models of their own for seconds a
planting are left out, and so are learners by boosting (see SLOW and `_outcomes`).

Outcomes are kept in build/choice_by_planting/, a file a set and family: a second run only reads them. About 40 CPU
minutes. `--write` appends to records/choice_by_planting.json.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl

from holdfast.audit.journal import Journal
from holdfast.audit.load import load, read_table
from holdfast.audit.planting import fresh_facts, loaded_with
from holdfast.audit.settings import Settings
from holdfast.bench.engine import run_plantings
from holdfast.bench.families import NAMES, family_of
from holdfast.bench.family import NONE, Scene
from holdfast.bench.prior import NO_WEIGHTS, combined, fitted_weight, prior_of
from holdfast.bench.ranking import breaks_level
from holdfast.bench.run import _faults
from holdfast.core import Fault
from holdfast.faults._tables import CannotPlant, Tables, Truth

ROWS = 3000  # of a set at most, half of them to choose on and half to judge on
CLASSES = {"ood": 4, "labels": 4}  # the most frequent ones of a set; 2 for the other families
COMPONENTS = 20  # of texts and images
CACHE = Path("build/choice_by_planting")
ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks" / "records" / "choice_by_planting.json"
PRIOR = ROOT / "src" / "holdfast" / "bench" / "prior.json"
PAGE = ROOT / "docs" / "bench.md"
AUDITS = {
    "labels": "NoiseCorrectedPosterior, votes", "ood": "NearestNeighbourDistance", "shift": "ClassifierTwoSample",
    "estimation": "consensus of four", "weighting": "LogisticRatio",
}  # what the audit uses without a profile  # fmt: skip
OPEN, CLOSE = "### Measured", "### What this says"  # between these headings the page has the tables
MEASURES = {"labels": "average precision", "ood": "AUROC", "shift": "share found", "estimation": "minus the error",
            "weighting": "gain of accuracy"}  # fmt: skip
# They refit models of their own for seconds a planting, weigh by the loss and not by the target, or have no rival.
SLOW = {"labels.PlantedChoice", "labels.CrossValidatedMislabel", "labels.EnsembleNoiseCorrected", "shift.BBSE",
        "weighting.LossWeights"}  # fmt: skip
WHO = ("audit", "default", "planting_alone", "choice", "reachable", "best")
DRAWS = 6  # of every fault, at the stronger of the bench's strengths
NOTHING = {"found": {f"none 0 {draw}": 0.0 for draw in range(DRAWS)}, "breaks": False}
SLOTS = ("labels", "ood", "numbers", "rows", "estimation", "weighting")  # tests of columns and of rows compete


# --- faults of this file alone: other code, other kinds than the bench plants --------------------------------------
class NextClass(Fault):
    """Labels of class c become c + 1, at rates that rise with the class."""

    strengths = (0.2,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        y, names = _codes(tables.train["y"])
        rates = np.linspace(0.25, 1.75, len(names)) * strength
        bad = rng.random(len(y)) < rates[y]
        return tables.with_train(_relabelled(tables.train, y, bad, (y + 1) % len(names), names)), Truth(train_rows=bad)


class Corner(Fault):
    """In one end of a random direction half of the labels become another class."""

    strengths = (0.3,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        y, names = _codes(tables.train["y"])
        along = _matrix(tables, tables.train) @ rng.normal(size=_matrix(tables, tables.train).shape[1])
        bad = (along > np.quantile(along, 1 - strength)) & (rng.random(len(y)) < 0.5)
        other = (y + rng.integers(1, len(names), len(y))) % len(names)
        return tables.with_train(_relabelled(tables.train, y, bad, other, names)), Truth(train_rows=bad)


class Recombined(Fault):
    """Rows whose columns come each from another row: every cell is ordinary, the whole is not."""

    strengths = (0.15,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test = tables.test
        assert test is not None
        bad = rng.random(test.height) < strength
        for name in tables.kinds:
            mixed = test[name].gather(rng.permutation(test.height))
            test = test.with_columns(mixed.zip_with(pl.Series(bad), test[name]).alias(name))
        return tables.with_test(test), Truth(test_rows=bad)


class FarOut(Fault):
    """Rows whose numbers lie twice as far from the middle as they did."""

    strengths = (0.15,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test, numbers = tables.test, tables.columns_of("number")
        assert test is not None
        if len(numbers) < 3:
            raise CannotPlant("too few numbers")
        bad = rng.random(test.height) < strength
        for name in numbers:
            values = test[name].cast(pl.Float64)
            far = 2 * values - float(tables.train[name].cast(pl.Float64).median() or 0)
            test = test.with_columns(far.zip_with(pl.Series(bad), values).alias(name))
        train = tables.train.with_columns(pl.col(numbers).cast(pl.Float64))
        return tables.with_train(train).with_test(test), Truth(test_rows=bad)


class UnseenKind(Fault):
    """A cluster of the training rows taken out: test rows of that cluster were never seen."""

    strengths = (1.0,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:  # noqa: ARG002
        ours, theirs = _clusters(tables, rng)
        sizes = np.bincount(ours, minlength=5) * (np.bincount(theirs, minlength=5) >= 10)
        gone = int(np.argsort(sizes)[-2])
        if sizes[gone] == 0:
            raise CannotPlant("no second cluster")
        return tables.with_train(tables.train.filter(pl.Series(ours != gone))), Truth(test_rows=theirs == gone)


class Leaning(Fault):
    """Test rows drawn again with odds that grow along the main direction of the data."""

    strengths = (1.0, 2.0)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        from sklearn.decomposition import PCA

        assert tables.test is not None
        train, test = (_matrix(tables, frame) for frame in (tables.train, tables.test))
        along = PCA(1, random_state=0).fit(train).transform(test)[:, 0]
        odds = np.exp(strength * (along - along.mean()) / (along.std() or 1) * rng.choice([-1, 1]))
        rows = np.sort(rng.choice(len(test), len(test), p=odds / odds.sum()))
        return tables.with_test(tables.test[rows]), Truth()


class OneKindMore(Fault):
    """Test rows of one cluster are several times as frequent as they were."""

    strengths = (4.0,)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        assert tables.test is not None
        _, theirs = _clusters(tables, rng)
        odds = np.where(theirs == rng.choice(np.unique(theirs)), strength, 1.0)
        rows = np.sort(rng.choice(len(theirs), len(theirs), p=odds / odds.sum()))
        return tables.with_test(tables.test[rows]), Truth()


class Unlinked(Fault):
    """Half of the columns are shuffled together against the other half: no column moves, their relations do."""

    strengths = (0.5, 1.0)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test, names = tables.test, list(tables.kinds)
        assert test is not None
        some = [name for name in names if rng.random() < 0.5] or names[:1]
        moved = np.flatnonzero(rng.random(test.height) < strength)
        order = np.arange(test.height)
        order[moved] = rng.permutation(moved)
        return tables.with_test(test.with_columns([test[name].gather(order) for name in some])), Truth()


class ThreeMoved(Fault):
    """Three numeric columns move, each up or down."""

    strengths = (0.15, 0.3)

    def plant(self, tables: Tables, strength: float, rng: np.random.Generator) -> tuple[Tables, Truth]:
        test, numbers = tables.test, tables.columns_of("number")
        assert test is not None
        if len(numbers) < 3:
            raise CannotPlant("too few numbers")
        for name in rng.permutation(numbers)[:3]:
            step = strength * float(tables.train[name].cast(pl.Float64).std() or 0) * rng.choice([-1, 1])
            test = test.with_columns((pl.col(name).cast(pl.Float64) + step).alias(name))
        train = tables.train.with_columns(pl.col(numbers).cast(pl.Float64))
        return tables.with_train(train).with_test(test.with_columns(pl.col(numbers).cast(pl.Float64))), Truth()


JUDGES: dict[str, tuple[type[Fault], ...]] = {
    "labels": (NextClass, Corner),
    "ood": (Recombined, FarOut, UnseenKind),
    "shift": (ThreeMoved, Unlinked, Leaning),
    "estimation": (Leaning, OneKindMore),
    "weighting": (Leaning, OneKindMore),
}


def _codes(labels: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    names, codes = np.unique(labels.cast(pl.String).to_numpy(), return_inverse=True)
    return codes, names


def _relabelled(
    frame: pl.DataFrame, y: np.ndarray, bad: np.ndarray, new: np.ndarray, names: np.ndarray
) -> pl.DataFrame:
    return frame.with_columns(pl.Series("y", names[np.where(bad, new, y)].tolist()))


def _matrix(tables: Tables, frame: pl.DataFrame) -> np.ndarray:
    """Scaled numbers, missing ones at the middle, and the most frequent categories as indicators."""
    blocks = []
    for name, kind in tables.kinds.items():
        if kind in ("number", "boolean"):
            whole = tables.train[name].cast(pl.Float64).fill_null(strategy="mean").fill_null(0).to_numpy()
            values = frame[name].cast(pl.Float64).fill_null(float(whole.mean())).to_numpy()
            blocks.append((values - whole.mean()) / (whole.std() or 1))
        elif kind == "category":
            top = tables.train[name].value_counts(sort=True)[name].drop_nulls()[:4].to_list()
            blocks += [(frame[name] == value).fill_null(False).to_numpy() * 1.0 for value in top]
    return np.column_stack(blocks)


def _clusters(tables: Tables, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans

    assert tables.test is not None
    train, test = (_matrix(tables, frame) for frame in (tables.train, tables.test))
    found = KMeans(5, n_init=2, random_state=int(rng.integers(1 << 30))).fit(train)
    return found.labels_, found.predict(test)


# --- data ----------------------------------------------------------------------------------------------------------
def data_sets(folder: Path) -> dict[str, Callable[[], pl.DataFrame]]:
    """Real data by name: a table of features and a class `y`."""
    from sklearn import datasets as sk

    from holdfast.datasets import load_heart_disease

    def bundled(name: str) -> pl.DataFrame:
        X, y = getattr(sk, f"load_{name}")(return_X_y=True)
        return _with_y(pl.DataFrame(X, schema=[f"x{i}" for i in range(X.shape[1])]), y)

    def read(path: str, **rename: str) -> pl.DataFrame:
        return read_table(folder / path, "data").frame.rename(rename)

    def high(frame: pl.DataFrame, column: str, *dropped: str) -> pl.DataFrame:
        frame = frame.drop_nulls(column)
        return _with_y(frame.drop(column, *dropped), (frame[column] > frame[column].median()).to_numpy())

    def last(frame: pl.DataFrame, column: str, *dropped: str) -> pl.DataFrame:
        return _with_y(frame.drop(column, *dropped), frame[column].cast(pl.String).to_numpy())

    def texts(lines: list[tuple[str, str]]) -> pl.DataFrame:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        rows = np.random.default_rng(0).permutation(len(lines))[:4000]
        y, words = zip(*[lines[row] for row in rows], strict=True)
        matrix = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(words)
        parts = TruncatedSVD(COMPONENTS, random_state=0).fit_transform(matrix)
        return _with_y(pl.DataFrame(parts, schema=[f"x{i}" for i in range(parts.shape[1])]), np.array(y))

    def tabs(path: str, head: int = 0, label: int = 0, text: int = 1, sep: str = "\t") -> pl.DataFrame:
        import gzip

        opened = gzip.open if path.endswith("gz") else open
        with opened(folder / path, "rt", encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n").split(sep) for line in file][head:]
        return texts([(line[label], line[text]) for line in lines if len(line) > max(label, text)])

    def images(stem: str) -> pl.DataFrame:
        import gzip

        def numbers(name: str, head: int) -> np.ndarray:
            with gzip.open(folder / f"{stem}-{name}-ubyte.gz") as file:
                return np.frombuffer(file.read()[head:], np.uint8)

        pixels, y = numbers("images-idx3", 16), numbers("labels-idx1", 8)
        return _pictures(pixels.reshape(len(y), 28, 28), y)

    def kmnist() -> pl.DataFrame:
        parts = [np.load(folder / "kmnist" / f"kmnist-test-{name}.npz")["arr_0"] for name in ("imgs", "labels")]
        return _pictures(*parts)

    compas = ["sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
              "c_charge_degree", "two_year_recid"]  # fmt: skip
    return {
        "breast_cancer": lambda: bundled("breast_cancer"),
        "digits": lambda: bundled("digits"),
        "diabetes": lambda: _halves(bundled("diabetes")),
        "heart_disease": lambda: last(pl.concat(load_heart_disease(), how="vertical_relaxed"), "disease", "hospital"),
        "adult": lambda: _adult(folder),
        "compas": lambda: last(read("compas/compas-scores-two-years.csv.gz").select(compas), "two_year_recid"),
        "german_credit": lambda: _plain(folder / "german_credit/german_RegLog.data.gz", " "),
        "spambase": lambda: _plain(folder / "spambase/spambase.data.gz", ","),
        "weather": lambda: last(read("noaa_weather/weather.csv.gz"), "target"),
        "wine_white": lambda: _good(read("wine_quality/winequality-white.csv.gz")),
        "wine_red": lambda: _good(read("wine_quality/winequality-red.csv.gz")),
        "student": lambda: high(read("student_performance/student-por.csv.gz"), "G3", "G1", "G2"),
        "housing": lambda: _halves(_plain(folder / "california_housing/cal_housing.data.gz", ",")),
        "bikes": lambda: high(read("bike_sharing/hour.csv.gz"), "cnt", "casual", "registered", "instant", "dteday"),
        "air": lambda: high(_air(folder), "CO(GT)"),
        "law_school": lambda: last(read("law_school/law_school_clean.csv.gz"), "pass_bar"),
        "mnist": lambda: images("mnist/t10k"),
        "kmnist": kmnist,
        "sms_spam": lambda: tabs("sms_spam/SMSSpamCollection.gz"),
        "sentiment": lambda: tabs("sentiment_sentences_3domains/imdb_labelled.txt.gz", label=1, text=0),
        "ag_news": lambda: tabs("ag_news/test.csv.gz", sep='","', label=0, text=2),
    }


def _with_y(frame: pl.DataFrame, y: np.ndarray) -> pl.DataFrame:
    return frame.with_columns(pl.Series("y", [f"class {value}" for value in np.asarray(y).tolist()]))


def _plain(path: Path, sep: str) -> pl.DataFrame:
    """A file without a header, blanks or commas between the cells, the class last."""
    import gzip

    with gzip.open(path, "rt") as file:
        cells = [line.split(None if sep == " " else sep) for line in file.read().strip().splitlines()]
    columns = {f"x{i}": _numeric([row[i].strip() for row in cells]) for i in range(len(cells[0]))}
    y = columns.pop(f"x{len(columns) - 1}")
    return pl.DataFrame(columns).with_columns(pl.Series("y", [f"class {value}" for value in y]))


def _numeric(values: list[str]) -> list[Any]:
    try:
        return [float(value) for value in values]
    except ValueError:
        return values


def _halves(frame: pl.DataFrame) -> pl.DataFrame:
    values = frame["y"].str.replace("class ", "").cast(pl.Float64)
    return _with_y(frame.drop("y"), (values > values.median()).to_numpy())


def _good(frame: pl.DataFrame) -> pl.DataFrame:
    quality = next(name for name in frame.columns if "quality" in name)
    return _with_y(frame.drop(quality), (frame[quality] >= 6).to_numpy())


def _adult(folder: Path) -> pl.DataFrame:
    frame = read_table(folder / "adult" / "adult.data.gz", "adult").frame
    return _with_y(frame[:, :-1], frame[:, -1].str.strip_chars().to_numpy())


def _air(folder: Path) -> pl.DataFrame:
    frame = read_table(folder / "air_quality_uci" / "AirQualityUCI.csv.gz", "air").frame
    names = [name for name in frame.columns if frame[name].dtype.is_numeric() and "NMHC" not in name]
    return frame.select(pl.when(pl.col(names) > -200).then(pl.col(names)))


def _pictures(pixels: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(0).permutation(len(y))[:4000]
    small = pixels[rows].reshape(len(rows), 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(rows), -1) / 255
    parts = PCA(COMPONENTS, random_state=0).fit_transform(small)
    return _with_y(pl.DataFrame(parts, schema=[f"x{i}" for i in range(COMPONENTS)]), y[rows])


def halves_of(frame: pl.DataFrame, family: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part A and part B: random rows of the most frequent classes."""
    top = frame["y"].value_counts(sort=True)["y"][: CLASSES.get(family, 2)].to_list()
    frame = frame.filter(pl.col("y").is_in(top))
    rows = np.random.default_rng(5).permutation(frame.height)[:ROWS]
    return frame[np.sort(rows[: len(rows) // 2])], frame[np.sort(rows[len(rows) // 2 :])]


# --- measuring -----------------------------------------------------------------------------------------------------
def measure(name: str, make: Callable[[], pl.DataFrame], family: str) -> dict[str, Any]:
    """Per candidate what it was worth on A, planting by planting, and on B; read back where it was done before."""
    path = CACHE / f"{family}-{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    started = time.process_time()
    parts = halves_of(make(), family)
    own = [(fault, strengths[-1:]) for fault, strengths in _faults(family_of(family), ())]
    others = [(cls(), cls.strengths) for cls in JUDGES[family]]
    sides = {side: _outcomes(part, family, faults, seed)
             for side, part, faults, seed in (("A", parts[0], own, 0), ("B", parts[1], others, 1000))}  # fmt: skip
    found = {"rows": parts[0].height, "cpu": round(time.process_time() - started, 1), **sides}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))
    return found


def _outcomes(frame: pl.DataFrame, family: str, faults: list[Any], seed: int) -> dict[str, Any]:
    made = family_of(family)
    if family == "labels":  # costs are not looked at here
        Scene.refitted = lambda *_, **__: 0.0  # type: ignore[method-assign]
    if family == "shift":
        type(made)._cost = lambda *_: None  # type: ignore[attr-defined]
    loaded = loaded_with(load(frame, target="y"), frame, None)
    settings = Settings(seed=seed, metric="accuracy", folds=3)
    candidates, _ = made.candidates(fresh_facts(loaded, settings))
    candidates = [c for c in candidates if c.method not in SLOW and c.slot in SLOTS and "boosting" not in c.name]
    type(made).untouched_draws = 8 if family == "shift" and seed == 0 else 0  # false alarms are counted on A alone
    results = run_plantings(loaded, made, faults, candidates, settings, DRAWS, lambda *_: None, Journal(None, {}))
    sign = 1 if made.larger else -1
    table: dict[str, Any] = {}
    for candidate in candidates:
        lines = [outcome[candidate.name] for outcome in results.outcomes]
        if any("failed" in line for line in lines):
            continue
        pairs = list(zip(results.plantings, lines, strict=True))
        alarms = [line["found"] for planting, line in pairs if planting.fault == NONE]
        table[candidate.name] = {
            "found": {p.key: sign * line["found"] for p, line in pairs if p.fault != NONE},
            "breaks": breaks_level(int(sum(alarms)), len(alarms)),
            "slot": candidate.slot,
        }
    return table


# --- who wins ------------------------------------------------------------------------------------------------------
def judged(table: dict[str, Any], draws: tuple[int, ...] = tuple(range(DRAWS))) -> dict[str, float]:
    """Mean by candidate, faults weighing alike; a test that breaks its level has found nothing."""
    return {name: 0.0 if row["breaks"] else _mean(row["found"], draws) for name, row in table.items()}


def _mean(found: dict[str, float], draws: tuple[int, ...]) -> float:
    kinds: dict[str, list[float]] = {}
    for key, value in found.items():
        fault, _, draw = key.split(" ")
        if int(draw) in draws:
            kinds.setdefault(fault, []).append(value)
    return float(np.mean([np.mean(values) for values in kinds.values()]))


def reachable(table: dict[str, Any], names: list[str]) -> float:
    """What the best candidate of half of the draws is worth on the other half, mean of both ways."""
    halves = [judged(table, draws) for draws in (tuple(range(0, DRAWS, 2)), tuple(range(1, DRAWS, 2)))]
    return float(np.mean([there[max(names, key=here.__getitem__)] for here, there in (halves, halves[::-1])]))


def compare(family: str, measured: dict[str, Any]) -> dict[str, Any]:
    """Leave one set out: what the default of the others, each kind of choice, and the best possible come to."""
    if family == "weighting":  # to weigh no rows is a choice too
        measured = {
            key: {**m, **{side: {**m[side], NO_WEIGHTS: NOTHING} for side in "AB"}} for key, m in measured.items()
        }
    names = sorted(set.intersection(*(set(m["A"]) & set(m["B"]) for m in measured.values())))
    own = {key: [judged(m["A"])[name] for name in names] for key, m in measured.items()}
    worth = {key: np.array([judged(m["B"])[name] for name in names]) for key, m in measured.items()}
    rows = []
    for key in measured:
        others = [other for other in measured if other != key]
        default = int(np.mean([worth[other] for other in others], axis=0).argmax())
        weight = fitted_weight({o: own[o] for o in others}, {o: worth[o] for o in others})
        prior = prior_of([worth[o] for o in others])
        picks = {
            "default": default,
            "audit": names.index(AUDITS[family]),
            "planting_alone": int(np.argmax(own[key])),
            "choice": int(np.argmax(combined(own[key], prior, weight))),
            "best": int(worth[key].argmax()),
        }
        row = {who: round(float(worth[key][place]), 4) for who, place in picks.items()}
        row["reachable"] = round(reachable(measured[key]["B"], names), 4)
        rows.append({"set": key, **row, "weight": weight, "chosen": names[picks["choice"]],
                     "by_planting_alone": names[picks["planting_alone"]], "default_is": names[default]})  # fmt: skip
    prior = np.round(prior_of(list(worth.values())), 4).tolist()
    everything = {"weight": fitted_weight(own, worth), "prior": dict(zip(names, prior, strict=True))}
    return {"candidates": names, "rows": rows, "summary": summary(rows), **everything}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over sets, and gains with 90 % bootstrap intervals over sets, wins, losses and a signed-rank p-value."""
    found: dict[str, Any] = {who: round(float(np.mean([row[who] for row in rows])), 4) for who in WHO}
    rng = np.random.default_rng(0)
    pairs = (("planting_alone", "default"), ("choice", "default"), ("choice", "audit"), ("reachable", "audit"))
    for who, rival in pairs:
        found[f"{who} over {rival}"] = gain_of(np.array([row[who] - row[rival] for row in rows]), rng)
    return found


def gain_of(gaps: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    from scipy.stats import wilcoxon

    drawn = gaps[rng.integers(len(gaps), size=(4000, len(gaps)))].mean(axis=1)
    pvalue = wilcoxon(gaps, alternative="greater", zero_method="zsplit").pvalue if gaps.any() else 1.0
    return {
        "gain": round(float(gaps.mean()), 4), "low": round(float(np.quantile(drawn, 0.05)), 4),
        "high": round(float(np.quantile(drawn, 0.95)), 4), "wins": int((gaps > 1e-9).sum()),
        "losses": int((gaps < -1e-9).sum()), "sets": len(gaps), "p": round(float(pvalue), 4),
    }  # fmt: skip


def main() -> None:
    warnings.simplefilter("ignore")
    families = [name for name in sys.argv[1:] if name in NAMES] or list(NAMES)
    sets = data_sets(Path(os.environ["HOLDFAST_DATA"]))
    found = {}
    for family in families:
        measured: dict[str, Any] = {}
        for name, make in sets.items():
            try:
                measured[name] = measure(name, make, family)
            except Exception as problem:
                print(f"{family} {name}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
                continue
            print(f"{family} {name} {measured[name]['cpu']}", file=sys.stderr, flush=True)
        found[family] = compare(family, measured)
        show(family, found[family])
    if "--write" in sys.argv:
        write(found, {name: m["rows"] for name, m in measured.items()})


def show(family: str, table: dict[str, Any]) -> None:
    print(f"\n{family}: worth on part B; default = best on the other sets")
    for row in sorted(table["rows"], key=lambda row: row["default"] - row["choice"]):
        numbers = "  ".join(f"{row[who]:+.3f}" for who in WHO)
        print(f"  {row['set']:16s} {numbers}  {row['chosen']} (default {row['default_is']})")
    print(json.dumps(table["summary"], indent=1), flush=True)


def write(found: dict[str, Any], rows: dict[str, int]) -> None:
    """The record, the prior that the bench ships, and the table of the page on it."""
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    versions = {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "holdfast")}
    judges = {family: [cls.__name__ for cls in kinds] for family, kinds in JUDGES.items()}
    runs = json.loads(RECORD.read_text()) if RECORD.exists() else []
    runs.append({"date": date.today().isoformat(), "machine": machine, "versions": versions, "rows": rows,
                 "judged_by": judges, "families": found})  # fmt: skip
    page = PAGE.read_text()
    before, after = page[: page.index(OPEN) + len(OPEN)], page[page.index(CLOSE) :]
    replace_all({RECORD: json.dumps(runs, indent=1) + "\n", PRIOR: json.dumps(shipped_of(runs[-1]), indent=1) + "\n",
                 PAGE: f"{before}\n\n{page_table(runs[-1])}\n\n{after}"})  # fmt: skip


def replace_all(contents: dict[Path, str]) -> None:
    for path, content in contents.items():
        aside = path.with_suffix(".tmp")
        aside.write_text(content)
        aside.replace(path)


def shipped_of(run: dict[str, Any]) -> dict[str, Any]:
    """What of a run becomes holdfast/bench/prior.json."""
    keep = {f: {"weight": t["weight"], "sets": len(t["rows"]), "prior": t["prior"]} for f, t in run["families"].items()}
    return {"from": "benchmarks/records/choice_by_planting.json", "date": run["date"], "families": keep}


def page_table(run: dict[str, Any]) -> str:
    """What the page says: a line a family, then every set on which the choice lost to either default."""
    lines = [
        "| family | worth in | sets | audit's default | best default | planting alone | choice | reachable | best |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    gains = ["| family | choice over the audit's default | won, lost | choice over the best default | won, lost |",
             "|---|---|---|---|---|"]  # fmt: skip
    for family, table in run["families"].items():
        mean = table["summary"]
        cells = [f"{mean[who]:.3f}" for who in WHO]
        lines.append(f"| {family} | {MEASURES[family]} | {len(table['rows'])} | {' | '.join(cells)} |")
        cells = []
        for rival in ("audit", "default"):
            gain = mean[f"choice over {rival}"]
            cells.append(f"{gain['gain']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}), p = {gain['p']:.2g}")
            cells.append(f"{gain['wins']}, {gain['losses']}")
        gains.append(f"| {family} | {' | '.join(cells)} |")
    lost = [("default", "best default of the other sets"), ("audit", "audit's default")]
    return "\n".join([*lines, "", *gains, *(line for rival in lost for line in _losses(run, *rival))])


def _losses(run: dict[str, Any], rival: str, called: str) -> list[str]:
    lines = ["", f"Where the choice lost to the {called}:", ""]
    for family, table in run["families"].items():
        lost = [f"{row['set']} {row['choice'] - row[rival]:+.3f}" for row in table["rows"]
                if row["choice"] < row[rival] - 1e-9]  # fmt: skip
        lines.append(f"- {family}: {', '.join(lost) if lost else 'nowhere'}.")
    return lines


if __name__ == "__main__":
    main()

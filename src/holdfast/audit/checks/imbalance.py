"""IMB001: classes too rare to be learnt."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check
from holdfast.audit.evidence import proportion
from holdfast.audit.records import Bars, Finding, Remedy
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, listed, percent

FEWEST = 50  # rows that undersampling leaves of a class that has them
LAGS = 0.2  # recall below that of the most frequent class


class Imbalance(Check):
    """A class counts as too rare when it has under a fifth of an equal share and is recalled clearly less often."""

    code = "IMB001"
    title = "classes too rare to be learnt"
    unplantable = "it counts classes, so that there is no power to measure"

    def run(
        self, train_y: np.ndarray, train_probs: np.ndarray, train_rows: np.ndarray, classes: tuple[str, ...],
        settings: Settings,
    ) -> Finding:  # fmt: skip
        counts = np.bincount(train_y, minlength=len(classes))
        hits = np.bincount(train_y, train_probs.argmax(axis=1) == train_y, len(classes)).astype(int)
        recalls = [proportion(int(hit), int(n)) if n else None for hit, n in zip(hits, counts, strict=True)]
        common = recalls[int(counts.argmax())]
        assert common is not None
        rare = [k for k, n in enumerate(counts) if n < len(train_y) / len(classes) / 5]
        lagging = [
            k
            for k in rare
            if (own := recalls[k]) is None or (own.high < common.low and common.value - own.value > LAGS)
        ]
        bars = Bars(
            "Recall by class (out of fold)",
            "share",
            tuple(
                (f"{classes[k]} ({counts[k]:,})", own.value, own.low, own.high)
                for k in np.argsort(counts)[:20]
                if (own := recalls[k]) is not None
            ),
        )
        smallest = int(counts.argmin())
        size = proportion(int(counts[smallest]), len(train_y))
        said = (
            f"The rarest class, {classes[smallest]}, has {count(int(counts[smallest]), 'row')} ({percent(size.value)})."
        )
        if not lagging:
            return self.clear(
                f"No class is both rare and badly recalled. {said}",
                estimate=size,
                unit="share of the rarest class",
                details=(bars,),
            )
        names = [classes[k] for k in lagging]
        return self.found(
            f"{count(len(names), 'class is', 'classes are')} rare and badly recalled: {listed(names)}.",
            estimate=size,
            unit="share of the rarest class",
            because=(said, f"Recall of the most frequent class is {percent(common.value)}."),
            details=(bars,),
            remedies=(
                Remedy("balance_classes", "Weigh the classes equally", True),
                Remedy(
                    "correct_prior",
                    "Move the thresholds: decide as if all classes were equally frequent",
                    True,
                    set="model",
                    values=tuple((counts.sum() / np.maximum(counts, 1) / len(counts)).tolist()),
                ),
                _undersample(train_y, train_rows, counts, settings.seed),
            ),
            what_to_do="Collect more rows of these classes, or weigh the classes equally. Weights trade hits on the "
            "frequent classes for hits on the rare ones: judge them by a metric that values both, such as "
            "balanced_accuracy.",
        )


def _undersample(y: np.ndarray, rows: np.ndarray, counts: np.ndarray, seed: int) -> Remedy:
    """Drop random rows of the frequent classes until each has as many as the rarest, but not below `FEWEST`."""
    most = max(int(counts[counts > 0].min()), FEWEST)
    shuffled = np.random.default_rng([seed, 11]).permutation(len(y))
    dropped = [np.flatnonzero(y[shuffled] == label)[most:] for label in range(len(counts))]
    numbers = np.sort(rows[shuffled[np.concatenate(dropped)]])
    return Remedy(
        "drop_rows",
        f"Undersample: keep {most:,} random rows at most of each class",
        True,
        rows=tuple(numbers.tolist()),
    )

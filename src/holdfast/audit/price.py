"""The price of a finding: apply its remedy to a copy, fit again, compare on untouched rows, paired and repeated.

With a labelled test set the models are compared on it: every repeat fits both on the same random 90 % of the training
rows, so that the interval holds the noise from run to run as well as that of the test rows. Without one, both are
compared out of fold, and a remedy touches only the rows that are learnt from, never those that judge. The fits
without a remedy are made once and shared by all prices. All remedies are fitted round by round, side by side; a
sequential test gives up those that more refits would hardly bring above zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from holdfast.audit import align
from holdfast.audit.check import NotApplicable
from holdfast.audit.facts.inputs import recoded_inputs
from holdfast.audit.fitting import make_folds, side_by_side, tied_rows
from holdfast.audit.probes import Probes
from holdfast.audit.records import Finding, Price, Remedy
from holdfast.audit.repair import CannotPrice, Lesson, Schoolroom
from holdfast.core import Estimate
from holdfast.ops.resampling import is_hopeless, paired_gain

NEED_TEST_LABELS = {
    "learn_from_test_rows": "to learn from", "recode_values": "to judge it on", align.ACTION: "to judge it on",
}  # fmt: skip
SHARE = 0.9  # of the training rows that each repeat fits on


@dataclass
class _Trial:
    """One remedy under trial: the predictions made so far, or the reason why there are none."""

    remedy: Remedy
    make: Callable[[int], np.ndarray]
    made: list[np.ndarray] = field(default_factory=list)
    reason: str = ""

    def attempt(self, repeat: int) -> None:
        """Make the next repeat."""
        try:
            self.made.append(self.make(repeat))
        except CannotPrice as problem:
            self.reason = str(problem)


@dataclass
class Pricing:
    """Prices remedies against one shared set of fits without a remedy."""

    facts: Probes
    known: list[tuple[Remedy, Price]] = field(default_factory=list)

    @cached_property
    def room(self) -> Schoolroom:
        """The training side."""
        facts = self.facts
        return Schoolroom(
            facts["train_rows"], facts["train_inputs"], facts["train_y"], facts["model"],
            tuple(facts["encoder"].names), len(facts["task"].classes), facts["train_predicted"], facts["train_weight"],
        )  # fmt: skip

    @cached_property
    def held_out(self) -> bool:
        """Whether a labelled test set judges; else rows left out of each fit do."""
        try:
            return len(self.facts["test_y"]) > 0
        except NotApplicable:
            return False

    @cached_property
    def truth(self) -> np.ndarray:
        """Labels of the rows that judge."""
        return self.facts["test_y"] if self.held_out else self.room.y

    @cached_property
    def before(self) -> np.ndarray:
        """(repeats, n, ...) predictions without a remedy."""
        return self._predictions(self.room.lesson())

    def price(self, remedy: Remedy) -> Price:
        """What the metric gains from one remedy; two findings with the same remedy share its price."""
        if self._known(remedy) is None:
            self.price_all([remedy])
        price = self._known(remedy)
        assert price is not None
        return price

    def price_all(self, remedies: Iterable[Remedy]) -> None:
        """Price several remedies together, round by round, which is faster than one after the other."""
        trials: list[_Trial] = []
        for remedy in remedies:
            if self._known(remedy) is None and not any(one.remedy == remedy for one in trials):
                trials.append(self._trial(remedy))
        if any(not trial.reason for trial in trials):
            self._race(trials)
        self.known += [(trial.remedy, self._price(trial)) for trial in trials]

    def _race(self, trials: list[_Trial]) -> None:
        _ = self.before  # made before any two fits run at once
        for repeat in range(self.facts["settings"].repeats):
            left = [trial for trial in trials if len(trial.made) == repeat and not self._is_over(trial)]
            jobs = [partial(trial.attempt, repeat) for trial in left]
            side_by_side(jobs, self.room.model, self.room.inputs)

    def _known(self, remedy: Remedy) -> Price | None:
        return next((price for tried, price in self.known if tried == remedy), None)

    def _trial(self, remedy: Remedy) -> _Trial:
        try:
            return _Trial(remedy, self._maker(remedy))
        except CannotPrice as problem:
            return _Trial(remedy, self._never, reason=str(problem))

    def _maker(self, remedy: Remedy) -> Callable[[int], np.ndarray]:
        """How one repeat is predicted after the remedy."""
        if remedy.action in NEED_TEST_LABELS and not self.held_out:
            raise CannotPrice(f"there are no labelled test rows {NEED_TEST_LABELS[remedy.action]}")
        if remedy.action == "learn_from_test_rows":
            return partial(self._with_test_fold, remedy)
        if remedy.action == align.ACTION:
            return self._with_more_columns(remedy)
        return partial(self._predicted, self.room.lesson(remedy))

    def _with_more_columns(self, remedy: Remedy) -> Callable[[int], np.ndarray]:
        """Fits of the same rows that see the renamed columns too."""
        align.refuse_fixed(self.room.model)
        seen = align.renamed(self.facts["loaded"], [remedy])
        aligned = Pricing(self.facts.with_tables(seen, self.facts["settings"]))
        _ = aligned.truth, aligned._shared  # made before any two fits run at once
        return partial(aligned._predicted, aligned.room.lesson())

    @staticmethod
    def _never(repeat: int) -> np.ndarray:
        raise CannotPrice(f"repeat {repeat} was not to be made")

    def _is_over(self, trial: _Trial) -> bool:
        """Whether it failed, or more refits would hardly bring it above zero."""
        if trial.reason:
            return True
        metric, done = self.facts["metric"], len(trial.made)
        sides = [[metric(self.truth, one) for one in side] for side in (self.before[:done], trial.made)]
        sign = 1.0 if metric.higher_is_better else -1.0
        return is_hopeless(sign * (np.array(sides[1]) - np.array(sides[0])), self.facts["settings"].repeats)

    def _price(self, trial: _Trial) -> Price:
        metric, done = self.facts["metric"], len(trial.made)
        if trial.reason:
            return Price(metric.name, trial.remedy.title, reason=trial.reason)
        before, after = self.before[:done], np.stack(trial.made)
        gain = paired_gain(self.truth, before, after, metric)
        then, now = (float(np.mean([metric(self.truth, one) for one in side])) for side in (before, after))
        return Price(metric.name, trial.remedy.title, gain, done, then, now)

    def _predictions(self, lesson: Lesson) -> np.ndarray:
        _ = self.truth, self._shared  # made before any two fits run at once
        jobs = [partial(self._predicted, lesson, repeat) for repeat in range(self.facts["settings"].repeats)]
        return np.stack(side_by_side(jobs, self.room.model, self.room.inputs))

    def _predicted(self, lesson: Lesson, repeat: int) -> np.ndarray:
        return self._on_test(lesson, repeat) if self.held_out else self._out_of_fold(lesson, repeat)

    @cached_property
    def _shared(self) -> np.ndarray:
        """What all fits read besides the room: the inputs that judge, or the codes of rows that stay in one fold."""
        if self.held_out:
            return self.facts["test_inputs"]
        return tied_rows(self.facts["train_embedding"], self.facts["train_group"])

    def _on_test(self, lesson: Lesson, repeat: int) -> np.ndarray:
        inputs = recoded_inputs(self.facts, lesson.recoded) if lesson.recoded else self._shared
        return self.room.fit(lesson, self._chosen(repeat), self._seed(repeat))(inputs)

    def _chosen(self, repeat: int) -> np.ndarray:
        n = len(self.room.y)
        rng = np.random.default_rng([self.facts["settings"].seed, 7, repeat])
        return np.sort(rng.choice(n, max(10, round(SHARE * n)), replace=False))

    def _seed(self, repeat: int) -> int:
        return self.facts["settings"].seed + 100 + repeat

    def _out_of_fold(self, lesson: Lesson, repeat: int) -> np.ndarray:
        room = self.room
        folds = make_folds(room.y, self._shared, self.facts["settings"].folds, self._seed(repeat))
        predicted = np.zeros(room.out_of_fold.shape)
        for fold in np.unique(folds):
            inside = np.flatnonzero(folds == fold)
            predict = room.fit(lesson, np.flatnonzero(folds != fold), self._seed(repeat))
            predicted[inside] = predict(room.inputs[inside])
        return predicted

    def _with_test_fold(self, remedy: Remedy, repeat: int) -> np.ndarray:
        """Learn from some labelled test rows too; the rows that judge are always others (folds of the test set)."""
        from scipy.sparse import issparse, vstack

        inputs, y = self.facts["test_inputs"], self.facts["test_y"]
        rng = np.random.default_rng([self.facts["settings"].seed, 8, repeat])
        halves = rng.permutation(len(y)) % 2
        predicted = np.zeros(self.before.shape[1:])
        chosen = self._chosen(repeat)
        for half in (0, 1):
            learnt = rng.permutation(np.flatnonzero(halves != half))[: int(remedy.settings["rows"])]
            ours, theirs = self.room.inputs[chosen], inputs[learnt]
            if not issparse(ours) and not isinstance(ours, np.ndarray):
                raise CannotPrice(
                    "a given model cannot be fitted on rows of two tables; fit it on both and audit again"
                )
            both = vstack([ours, theirs], format="csr") if issparse(ours) else np.concatenate([ours, theirs])
            labels = np.concatenate([self.room.y[chosen], y[learnt]])
            judged = np.flatnonzero(halves == half)
            weight = self._weights(chosen, learnt)
            predicted[judged] = self.room.model.fit(both, labels, weight, self._seed(repeat)).predict(inputs[judged])
        return predicted

    def _weights(self, chosen: np.ndarray, learnt: np.ndarray) -> np.ndarray | None:
        """The user's weights of some training rows and some test rows."""
        if self.room.weight is None:
            return None
        return np.concatenate([self.room.weight[chosen], self.facts["test_weight"][learnt]])


def price_findings(findings: list[Finding], facts: Probes, tick: Callable[[], None]) -> list[Finding]:
    """Every found fault with its price: the best of its remedies, or the reason why it has none."""
    pricing = Pricing(facts)
    _price_together(pricing, findings)
    priced = []
    for finding in findings:
        if finding.outcome in ("found", "unsure") and finding.price is None:
            finding = replace(finding, price=_best(pricing, finding))
            tick()
        priced.append(finding)
    return priced


def _price_together(pricing: Pricing, findings: list[Finding]) -> None:
    """Every remedy of every finding that is to be priced; why none can be is said finding by finding."""
    wanted = [one for one in findings if one.outcome in ("found", "unsure") and one.price is None]
    remedies = [remedy for one in wanted for remedy in one.remedies]
    with suppress(NotApplicable):
        _ = pricing.facts["metric"]
        pricing.price_all(remedies)


def _best(pricing: Pricing, finding: Finding) -> Price:
    metric_name = "none"
    try:
        metric_name = pricing.facts["metric"].name
        tried = [pricing.price(remedy) for remedy in finding.remedies]
    except NotApplicable as problem:
        return Price(metric_name, reason=f"not priced: {problem}")
    if not tried:
        return Price(metric_name, reason="no remedy that a refit could judge")
    gains = [price for price in tried if price.gain is not None]
    if not gains:
        return tried[0]
    best = max(gains, key=lambda price: _low(price.gain))
    return _corrected(best, len(gains))


def _low(gain: Estimate | None) -> float:
    return float("-inf") if gain is None else gain.low


def _corrected(price: Price, tried: int) -> Price:
    """The best of several remedies is judged as one of several: Bonferroni on p-value and interval."""
    gain = price.gain
    if tried == 1 or gain is None or gain.pvalue is None:
        return price
    from scipy.special import ndtri

    widen = float(ndtri(1 - 0.05 / tried) / ndtri(0.95))
    low, high = gain.value - (gain.value - gain.low) * widen, gain.value + (gain.high - gain.value) * widen
    return replace(price, gain=gain._replace(low=low, high=high, pvalue=min(1.0, gain.pvalue * tried)))

"""Fits with and without remedies on the same rows and seeds, and their predictions on the rows that judge.

With a labelled test set its rows judge. Without one, folds of the training rows do: each is judged by models that were
fitted without it, and a remedy that was derived from all training rows is derived again inside every such fit by
running its check on the rows that are learnt from. Every fit learns from a random 90 % of its rows, another 90 % in
each repeat, so that the noise from run to run shows. Fits are made once and shared by all that need them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from inspect import signature
from typing import Any

import numpy as np

from holdfast.audit import align
from holdfast.audit.check import NotApplicable, checks
from holdfast.audit.facts.inputs import recoded_inputs
from holdfast.audit.fitting import make_folds, side_by_side, tied_rows
from holdfast.audit.load import InputError, Loaded
from holdfast.audit.price import SHARE
from holdfast.audit.probes import derived_from
from holdfast.audit.records import Remedy
from holdfast.audit.repair import CannotPrice, Lesson, Schoolroom
from holdfast.audit.run import run_check
from holdfast.verify.case import Case
from holdfast.verify.parts import Parts, make_parts
from holdfast.verify.plan import Candidate
from holdfast.verify.store import FitStore

LABELS = {"test_y", "test_target", "test_loss"}  # facts that read the labels of the rows that judge
LEAST = 40  # judged rows: ten to look at openly, ten guarded, twenty that confirm
MANY_CLASSES = 20  # from here on predictions are kept in single precision


@dataclass
class Trial:
    """The fits of one verification. `leave_out` are file rows of the judged set that must not judge (copies, say)."""

    case: Case
    repeats: int
    seed: int
    leave_out: frozenset[int] = frozenset()
    store: FitStore = field(default_factory=partial(FitStore, None, None))
    _made: dict[tuple[tuple[str, ...], int], np.ndarray] = field(default_factory=dict)
    _derived: dict[tuple[str, int], Remedy | None] = field(default_factory=dict)
    _aligned: dict[tuple[str, ...], Trial] = field(default_factory=dict)
    fits: int = 0

    @cached_property
    def held_out(self) -> bool:
        """Whether a labelled test set judges."""
        return self.case.judged == "test"

    @cached_property
    def room(self) -> Schoolroom:
        """The training side."""
        facts = self.case.facts
        return Schoolroom(
            facts["train_rows"], facts["train_inputs"], facts["train_y"], facts["model"],
            tuple(facts["encoder"].names), len(facts["task"].classes), facts["train_predicted"], facts["train_weight"],
        )  # fmt: skip

    @cached_property
    def places(self) -> np.ndarray:
        """Positions, among the rows of the judged set that models use, of those that judge."""
        rows = self.case.facts["test_rows" if self.held_out else "train_rows"]
        places = np.flatnonzero(~np.isin(rows, list(self.leave_out)))
        if len(places) < LEAST:
            raise InputError(
                f"{len(places)} untouched labelled rows are too few to verify a repair: at least {LEAST} are needed, "
                "half of them to confirm what the others chose. Give a larger labelled test set."
            )
        return places

    @cached_property
    def truth(self) -> np.ndarray:
        """(n,) labels of the rows that judge."""
        return self.case.facts["test_y" if self.held_out else "train_y"][self.places]

    @cached_property
    def parts(self) -> Parts:
        """Which rows choose and which confirm; all confirm that nobody has looked at."""
        facts = self.case.facts
        if self.case.fresh:
            none = np.zeros(0, dtype=np.int64)
            return Parts(none, none, np.arange(len(self.truth)))
        if self.held_out:  # copies stay together
            ties = facts["test_cells"].hash_rows().to_numpy()[self.places]
        else:
            ties = tied_rows(facts["train_embedding"], facts["train_group"])[self.places]
        fingerprint = getattr(self.case.loaded, self.case.judged).fingerprint
        return make_parts(self.truth, np.unique(ties, return_inverse=True)[1], fingerprint)

    @cached_property
    def _folds(self) -> np.ndarray:
        """(n,) the fold of every training row; all -1 where a test set judges: every row is learnt from."""
        if self.held_out:
            return np.full(len(self.room.y), -1)
        facts = self.case.facts
        return make_folds(
            self.room.y, tied_rows(facts["train_embedding"], facts["train_group"]), self.case.settings.folds, self.seed
        )

    def predictions(self, chosen: Sequence[Candidate], repeats: int | None = None) -> np.ndarray:
        """(repeats, n, ...) predictions of the judged rows after the chosen remedies; none chosen = as it is."""
        return np.stack([self._one(tuple(chosen), repeat) for repeat in range(repeats or self.repeats)])

    def prepare(self, wanted: Iterable[tuple[tuple[Candidate, ...], int]]) -> None:
        """Make the fits of several (chosen, repeat) side by side; whoever asks for their predictions finds them made.

        What cannot be fitted is left to be refused to whoever asks.
        """
        jobs = {}
        for chosen, repeat in wanted:
            if _key(chosen, repeat) not in self._made and self._can_learn(chosen):
                jobs[_key(chosen, repeat)] = partial(self._attempt, chosen, repeat)
        done = side_by_side(list(jobs.values()), self.room.model, self.room.inputs)
        self._made |= {key: made for key, made in zip(jobs, done, strict=True) if made is not None}
        self.fits += len(np.unique(self._folds)) * sum(made is not None for made in done)

    def derived(self, candidate: Candidate) -> str:
        """In words, from which rows the remedy that is judged was derived."""
        if not self.held_out:
            return "derived again inside each fit, from the rows that are learnt from"
        if self._reads_labels(candidate):
            return "derived again without the rows that confirm"
        return "as in the report: it read no label of the rows that judge"

    def derived_by_choosers(self, candidate: Candidate) -> bool:
        """Whether labels of the rows that choose helped to derive the remedy that is judged."""
        return self.held_out and not self.case.fresh and self._reads_labels(candidate)

    def _one(self, chosen: tuple[Candidate, ...], repeat: int) -> np.ndarray:
        key = _key(chosen, repeat)
        if key not in self._made:
            self._made[key] = self._make(chosen, repeat)
            self.fits += len(np.unique(self._folds))
        return self._made[key]

    def _attempt(self, chosen: tuple[Candidate, ...], repeat: int) -> np.ndarray | None:
        try:
            return self._make(chosen, repeat)
        except CannotPrice:
            return None

    def _make(self, chosen: tuple[Candidate, ...], repeat: int) -> np.ndarray:
        kept = self.store.get(_key(chosen, repeat))
        if kept is not None:
            return kept
        made = self._on_test(chosen, repeat) if self.held_out else self._out_of_fold(chosen, repeat)
        made = made.astype(np.float32) if made.ndim > 1 and made.shape[1] > MANY_CLASSES else made
        self.store.put(_key(chosen, repeat), made)
        return made

    def without_renames(self, chosen: Sequence[Candidate]) -> tuple[Trial, tuple[Candidate, ...]]:
        """The trial on tables whose columns bear the names that the chosen remedies give, and the other remedies."""
        renames = tuple(one for one in chosen if one.remedy.action == align.ACTION)
        if not renames:
            return self, tuple(chosen)
        if not self.held_out:
            raise CannotPrice("there are no labelled test rows to judge it on")
        align.refuse_fixed(self.room.model)
        key = _key(renames, 0)[0]
        if key not in self._aligned:
            seen = align.renamed(self.case.loaded, [one.remedy for one in renames])
            case = replace(self.case, loaded=seen)
            self._aligned[key] = Trial(case, self.repeats, self.seed, self.leave_out)
        return self._aligned[key], tuple(one for one in chosen if one not in renames)

    def _on_test(self, chosen: tuple[Candidate, ...], repeat: int) -> np.ndarray:
        aligned, others = self.without_renames(chosen)
        if aligned is not self:
            return aligned._on_test(others, repeat)
        return self._fit(chosen, -1, repeat)(self._inputs_after(self._lesson(chosen, -1)))

    def _inputs_after(self, lesson: Lesson) -> Any:
        """The rows that judge, as the model is given them after the remedies."""
        if not lesson.recoded:
            return self._judged_inputs
        return recoded_inputs(self.case.facts, lesson.recoded)[self.places]

    @cached_property
    def _judged_inputs(self) -> Any:
        return self.case.facts["test_inputs"][self.places]

    def _out_of_fold(self, chosen: tuple[Candidate, ...], repeat: int) -> np.ndarray:
        room = self.room
        predicted = np.zeros(room.out_of_fold.shape)
        for fold in np.unique(self._folds):
            inside = np.flatnonzero(self._folds == fold)
            predicted[inside] = self._fit(chosen, int(fold), repeat)(room.inputs[inside])
        return predicted[self.places]

    def _fit(self, chosen: tuple[Candidate, ...], fold: int, repeat: int) -> Any:
        learnt = self._learnt(fold)
        rng = np.random.default_rng([self.seed, 7, repeat, fold + 1])
        some = np.sort(rng.choice(learnt, max(10, round(SHARE * len(learnt))), replace=False))
        return self.room.fit(self._lesson(chosen, fold), some, self.seed + 100 + repeat)

    def _lesson(self, chosen: tuple[Candidate, ...], fold: int) -> Lesson:
        if any(one.remedy.action == align.ACTION for one in chosen):
            raise CannotPrice("there are no labelled test rows to judge it on")
        found = [self._remedy(candidate, fold) for candidate in chosen]
        lesson = self.room.lesson(*(one for one in found if one))
        if lesson.recoded and not self.held_out:
            raise CannotPrice("there are no labelled test rows to judge it on")
        return lesson

    def _can_learn(self, chosen: tuple[Candidate, ...]) -> bool:
        """Whether there are lessons. Facts and remedies that fits share are made here, before any two run at once."""
        if self.held_out:
            _ = self._judged_inputs
        try:
            aligned, others = self.without_renames(chosen)
            if aligned is not self:
                return aligned._can_learn(others)
            for fold in np.unique(self._folds):
                self._lesson(chosen, int(fold))
        except CannotPrice:
            return False
        return True

    def _learnt(self, fold: int) -> np.ndarray:
        return np.arange(len(self.room.y)) if self.held_out else np.flatnonzero(self._folds != fold)

    def _remedy(self, candidate: Candidate, fold: int) -> Remedy | None:
        """The remedy as the rows that are learnt from suggest it; None where their check finds nothing to repair."""
        if self.case.fresh or (self.held_out and not self._reads_labels(candidate)):
            return candidate.remedy
        key = (candidate.name, fold)
        if key not in self._derived:
            self._derive(candidate.code, fold)
        return self._derived.get(key)

    @staticmethod
    def _check(code: str) -> Any:
        return next(check for check in checks() if check.code == code)()

    def _reads_labels(self, candidate: Candidate) -> bool:
        return bool(derived_from(signature(self._check(candidate.code).run).parameters) & LABELS)

    def _derive(self, code: str, fold: int) -> None:
        """Run a check again on the rows that may be looked at, and keep its remedies in the numbers of the file."""
        loaded, rows = self._tables(fold)
        facts = self.case.facts.with_tables(loaded, self.case.settings)
        found = run_check(self._check(code), facts)
        for finding_place, plain in enumerate(found.remedies):
            remedy = plain if rows is None else replace(plain, rows=tuple(int(rows[row]) for row in plain.rows))
            self._derived[(f"{code}.{finding_place}", fold)] = remedy
        for place in range(10):  # what was not proposed is known not to be
            self._derived.setdefault((f"{code}.{place}", fold), None)

    def _tables(self, fold: int) -> tuple[Loaded, np.ndarray | None]:
        loaded = self.case.loaded
        if self.held_out:
            assert loaded.test is not None
            rows = self.case.facts["test_rows"][self.places[self.parts.choose]]
            return replace(loaded, test=replace(loaded.test, frame=loaded.test.frame[rows])), None
        rows = self.room.rows[self._learnt(fold)]
        return replace(loaded, train=replace(loaded.train, frame=loaded.train.frame[rows])), rows


def _key(chosen: Sequence[Candidate], repeat: int) -> tuple[tuple[str, ...], int]:
    return tuple(candidate.name for candidate in chosen), repeat


def can_judge(case: Case) -> str:
    """Why refits cannot judge; empty where they can."""
    try:
        case.facts["train_predicted"]
    except NotApplicable as problem:
        return str(problem)
    return ""

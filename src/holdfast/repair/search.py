"""Which remedies, alone or together, look good on the rows that choose: alone first, then greedily together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from holdfast.audit.repair import CannotPrice
from holdfast.core import Estimate
from holdfast.ops.metrics import Metric
from holdfast.ops.resampling import is_hopeless, paired_gain
from holdfast.verify.compare import LEVEL, interaction, row_gains
from holdfast.verify.holdout import Guard
from holdfast.verify.plan import Candidate, conflict
from holdfast.verify.trial import Trial

Chosen = tuple[Candidate, ...]


@dataclass
class Search:
    """The search over remedies; everything it looks at lies in the rows that choose."""

    trial: Trial
    guard: Guard
    metric: Metric
    tell: Callable[[str, int, int], None]
    _promising: dict[str, bool] = field(default_factory=dict)

    def run(self, candidates: Sequence[Candidate], fixed: bool = False) -> tuple[Chosen, dict[str, Any]]:
        """The chosen remedies, and the record of what was tried. `fixed` takes all, whatever they gain."""
        self._race(candidates)
        alone = [self._alone(candidate, len(candidates)) for candidate in candidates]
        record: dict[str, Any] = {"alone": alone, "steps": [], "interactions": []}
        if fixed:
            usable = [one for one, said in zip(candidates, alone, strict=True) if said["gain"] is not None]
            return self._best_alternatives(usable, alone), record
        promising = [
            (one, said["answer"]["value"])
            for one, said in zip(candidates, alone, strict=True)
            if said["answer"] is not None and self._promising[one.name]
        ]
        chosen: Chosen = ()
        for candidate, _ in sorted(promising, key=lambda pair: -pair[1]):
            chosen = self._step(chosen, candidate, record)
        return chosen, record

    def _alone(self, candidate: Candidate, tried: int) -> dict[str, Any]:
        remedy = candidate.remedy
        said: dict[str, Any] = {
            "name": candidate.name, "code": candidate.code, "title": remedy.title, "action": remedy.action,
            "safe": remedy.safe, "set": remedy.set, "rows": len(remedy.rows), "columns": list(remedy.columns),
            "derived": self.trial.derived(candidate), "gain": None, "answer": None, "repeats": 0, "stopped": False,
            "reason": "",
        }  # fmt: skip
        try:
            after, stopped = self._refits((), (candidate,))
        except CannotPrice as problem:
            return {**said, "reason": str(problem)}
        before = self.trial.predictions((), len(after))
        # One of several: Bonferroni makes the intervals of all remedies hold together.
        gain = self._gain(before, after, 1 - (1 - LEVEL) / max(tried, 1))
        said |= {"gain": gain._asdict(), "repeats": len(after), "stopped": stopped}
        if not stopped:
            answer, self._promising[candidate.name] = self._ask(before, after)
            said["answer"] = answer._asdict()
        return said

    def _step(self, chosen: Chosen, candidate: Candidate, record: dict[str, Any]) -> Chosen:
        """Add one remedy to those chosen where it gains on top of them."""
        step: dict[str, Any] = {
            "name": candidate.name, "to": [one.name for one in chosen], "answer": None, "kept": False, "reason": "",
        }  # fmt: skip
        record["steps"].append(step)
        reasons = [reason for one in chosen if (reason := conflict(one, candidate))]
        if reasons:
            step["reason"] = reasons[0]
            return chosen
        if not chosen:
            step["kept"] = True
            return (candidate,)
        both = in_order((*chosen, candidate))
        try:
            after, stopped = self._refits(chosen, both)
        except CannotPrice as problem:
            step["reason"] = str(problem)
            return chosen
        record["interactions"].append(self._interaction(chosen, candidate, after))
        if stopped:
            step["reason"] = "more refits would hardly have made it gain"
            return chosen
        answer, promising = self._ask(self.trial.predictions(chosen, len(after)), after)
        step |= {"answer": answer._asdict(), "kept": promising}
        step["reason"] = "" if step["kept"] else "no gain on top of those chosen before"
        return both if step["kept"] else chosen

    def _race(self, candidates: Sequence[Candidate]) -> None:
        """Make the fits of all remedies alone, round by round and side by side, until the sequential test stops each.

        The tests are those of `_refits`, which then finds its fits made.
        """
        trial = self.trial
        trial.prepare([((), repeat) for repeat in range(trial.repeats)])
        left = list(candidates)
        for repeat in range(trial.repeats):
            self.tell(f"trying {len(left)} of {len(candidates)} remedies", repeat, trial.repeats)
            trial.prepare([((one,), repeat) for one in left])
            left = [one for one in left if self._goes_on((one,), repeat + 1)]
        self.tell("trying", trial.repeats, trial.repeats)

    def _goes_on(self, now: Chosen, repeats: int) -> bool:
        try:
            return not is_hopeless(self._gains((), now, repeats), self.trial.repeats)
        except CannotPrice:
            return False

    def _refits(self, then: Chosen, now: Chosen) -> tuple[np.ndarray, bool]:
        """Predictions after `now`, refit by refit, until the sequential test gives up on a gain over `then`."""
        trial = self.trial
        for repeat in range(1, trial.repeats + 1):
            if then and repeat % 2:  # in pairs: nothing can be told from the first alone
                trial.prepare([(now, ahead) for ahead in range(repeat - 1, min(repeat + 1, trial.repeats))])
            if is_hopeless(self._gains(then, now, repeat), trial.repeats):
                return trial.predictions(now, repeat), True
        return trial.predictions(now), False

    def _gains(self, then: Chosen, now: Chosen, repeats: int) -> np.ndarray:
        """(repeats,) gain of each refit on the rows that choose."""
        choose, sign = self.trial.parts.choose, 1.0 if self.metric.higher_is_better else -1.0
        sides = [
            [self.metric(self.trial.truth[choose], one[choose]) for one in self.trial.predictions(side, repeats)]
            for side in (then, now)
        ]
        return sign * (np.array(sides[1]) - np.array(sides[0]))

    def _gain(self, before: np.ndarray, after: np.ndarray, level: float) -> Estimate:
        choose = self.trial.parts.choose
        return paired_gain(self.trial.truth[choose], before[:, choose], after[:, choose], self.metric, level)

    def _ask(self, before: np.ndarray, after: np.ndarray) -> tuple[Estimate, bool]:
        """What the guard answers, and whether that is above the standard error: about five to one for a gain.

        The metric is linearised once over all rows that choose.
        """
        choose = self.trial.parts.choose
        gains = np.zeros(len(self.trial.truth))
        gains[choose] = row_gains(self.trial.truth[choose], before[:, choose], after[:, choose], self.metric)
        answer = self.guard.ask(gains, self.trial.parts)
        return answer, bool(answer.value > gains[choose].std() / np.sqrt(answer.n))

    def _interaction(self, chosen: Chosen, candidate: Candidate, both: np.ndarray) -> dict[str, Any]:
        choose, repeats = self.trial.parts.choose, len(both)
        sides = [self.trial.predictions(side, repeats) for side in ((), chosen, (candidate,))]
        none, first, second = (side[:, choose] for side in sides)
        size = interaction(self.trial.truth[choose], none, first, second, both[:, choose], self.metric)
        return {"first": [one.name for one in chosen], "second": candidate.name, "size": size._asdict()}

    @staticmethod
    def _best_alternatives(usable: Sequence[Candidate], alone: Sequence[dict[str, Any]]) -> Chosen:
        """Of several remedies for one fault the one that gains most."""
        gains = {said["name"]: said["gain"]["value"] for said in alone if said["gain"] is not None}
        best: dict[str, Candidate] = {}
        for candidate in usable:
            rival = best.get(candidate.fault)
            if rival is None or gains[candidate.name] > gains[rival.name]:
                best[candidate.fault] = candidate
        return in_order(tuple(best.values()))


def in_order(chosen: Sequence[Candidate]) -> Chosen:
    """The order in which remedies are applied."""
    from holdfast.verify.plan import ORDER

    return tuple(sorted(chosen, key=lambda one: ORDER.index(one.remedy.action)))

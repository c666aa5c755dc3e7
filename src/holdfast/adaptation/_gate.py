"""The gate of all adapters: it watches a frozen copy beside the adapted network, without labels, and notices harm.

Two signs are read. *Rows that follow each other are alike* (a stream sorted by class, or one object at a time): then a
batch says nothing of the data as a whole, and what is learnt from it is wrong for the next. Where they are not, a
sample of rows holds many classes, and *what the answers say of the rows* (the mutual information of row and class,
large where single answers are certain and all of them together are diverse) tells which of the two networks sees more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

Verdict = Literal["gain", "no gain", "harm"]
Wants = Literal["samples", "runs", "any"]
CALM, MOVING = 4, 2  # one row in so many is shown to both networks while nothing moves, and while something does
ENOUGH = 8  # blocks that are kept although they are old
LATELY = 4  # blocks of answers that have to show the gain too
BLOCK = 8  # consecutive rows whose features are compared with those of other blocks


class Answers(NamedTuple):
    """Sums over the rows of a batch, of the frozen and the adapted network: entropies, probabilities by class.

    `squares` are of the probabilities, and `agreeing` products of those of a row and of the next, over `pairs`.
    """

    rows: int
    entropies: tuple[float, float]
    classes: tuple[np.ndarray, np.ndarray]
    squares: tuple[float, float]
    pairs: int
    agreeing: tuple[float, float]


@dataclass
class Gate:
    """What was seen lately, and the verdicts on it.

    `window` rows are looked back on; trust is earned by `earn` rows that do not resemble their neighbours in the
    stream more than others (intraclass correlation at most half of `limit`), and lost above `limit`. While the gate
    trusts, one change of the whole distribution within the window is allowed for: it is what adaptation is for.
    Answers pass while those of the last `judged` rows hold more information than the frozen network's (in samples
    those of the latest rows too; where neighbours are alike, by more than they lose in certainty, and where they come
    in runs, with answers that correlate as much with the next one's: few classes are there, and errors pass for
    diversity); below the share `floor` of it they do harm, and trust has to be earned again by `rest` rows, twice as
    many each time. A method that `wants` runs of rows that belong together is trusted where the others are not.
    """

    wants: Wants = "samples"
    window: int = 256
    earn: int = 128
    limit: float = 0.1
    judged: int = 128
    floor: float = 0.5
    rest: int = 256
    trusted: bool = False
    seen: int = 0
    resting_until: int = 0
    calm: bool = False  # neighbours are hardly alike
    runs: bool = False  # they are, and no one change of the whole distribution explains it
    problem: str = "no rows were seen"
    _rows: list[np.ndarray] = field(default_factory=list)
    _blocks: deque[tuple[int, np.ndarray, float]] = field(default_factory=deque)
    _answers: deque[Answers] = field(default_factory=deque)

    def look(self, features: np.ndarray, rows: int) -> str:
        """Take in the frozen network's features of the next rows; why they cannot be trusted, or nothing.

        Between two complete blocks there is nothing new to say.
        """
        self.seen += rows
        self._rows.append(features)
        if sum(map(len, self._rows)) >= BLOCK:
            self._cut_into_blocks()
            while len(self._blocks) > ENOUGH and self._blocks[0][0] <= self.seen - self.window:
                self._blocks.popleft()
            self.problem = self._problem()
            self.trusted = not self.problem
        return self.problem

    def _cut_into_blocks(self) -> None:
        """Mean and sum of squares around it of every block that is complete; the rest waits."""
        rows = np.concatenate(self._rows, dtype=np.float64)
        whole = len(rows) - len(rows) % BLOCK
        self._rows = [rows[whole:]] if whole < len(rows) else []
        blocks = rows[:whole].reshape(-1, BLOCK, rows.shape[1])
        means = blocks.sum(axis=1) / BLOCK
        squares = ((blocks - means[:, None]) ** 2).sum(axis=(1, 2))
        self._blocks.extend(zip([self.seen] * len(means), means, squares, strict=True))

    def skip(self, rows: int) -> None:
        """Rows go by unseen: those before and after them are no neighbours."""
        self.seen += rows
        self._rows = []

    def _problem(self) -> str:
        if self.seen < self.resting_until:
            return f"resting until row {self.resting_until} after harm"
        if self.seen < self.earn or len(self._blocks) < 3:
            return f"fewer than {self.earn} rows were seen"
        _, means, squares = (np.array(part) for part in zip(*self._blocks, strict=True))
        if self.wants == "runs":
            alike = neighbours_alike(means, squares, change=True)
            said = f"rows that follow each other are not alike (correlation {alike:.2f}, at least {self.limit:g})"
            return "" if alike > self.limit else said
        alike = neighbours_alike(means, squares, change=False)
        self.calm = alike <= self.limit / 2  # well below: noise hides classes, and then the limit is reached late
        if self.wants == "any":
            self.runs = not self.calm and neighbours_alike(means, squares, change=True) > self.limit / 2
            return ""
        if self.trusted and not self.calm:
            alike = neighbours_alike(means, squares, change=True)
        most = self.limit if self.trusted else self.limit / 2  # of a stream sorted by class, noise hides the most
        if not alike <= most:
            return f"rows that follow each other are alike (correlation {alike:.2f}, at most {most:g})"
        return ""

    @property
    def every(self) -> int:
        """One row in so many has to be shown to both networks."""
        if not self.trusted:
            return 1
        compared = sum(part.rows for part in self._answers)
        calm = self.calm and self.wants == "samples" and compared >= self.judged // 2
        return CALM if calm else MOVING

    def judge(self, frozen: np.ndarray, adapted: np.ndarray) -> tuple[Verdict, str]:
        """Take in both networks' probabilities on the same rows; whether the adapted answers pass, and why."""
        if not np.isfinite(adapted).all():
            return "harm", "answers are not finite"
        self._answers.append(_summed(frozen, adapted))
        while self._answers and sum(part.rows for part in self._answers) - self._answers[0].rows >= self.judged:
            self._answers.popleft()
        before, now = (information(self._answers, place) for place in (0, 1))
        said = f"answers hold {now:.2f} nats, the frozen network's {before:.2f}"
        if self._gains(list(self._answers)) and (self.wants != "samples" or self._gains(self._latest())):
            return "gain", said
        enough = sum(part.rows for part in self._answers) >= 2 * BLOCK
        return ("harm", said) if enough and now < self.floor * before else ("no gain", said)

    def _gains(self, answers: list[Answers]) -> bool:
        """The adapted ones hold more information; where neighbours are alike, by more than they lose in certainty.

        Where they come in runs, answers of neighbours have to correlate no less than before, too.
        """
        gain = information(answers, 1) - information(answers, 0)
        if self.calm:
            return gain > 0.0
        if self.runs and agreement(answers, 1) < agreement(answers, 0):
            return False
        return gain > max(0.0, doubt(answers, 1) - doubt(answers, 0))

    def _latest(self) -> list[Answers]:
        """The newest answers, a few blocks of them: after a change those before it say little."""
        kept: list[Answers] = []
        for part in reversed(self._answers):
            if sum(one.rows for one in kept) >= LATELY * BLOCK:
                break
            kept.append(part)
        return kept

    def step_back(self) -> None:
        """After harm: trust nothing for a while, twice as long each time."""
        self.trusted = False
        self.resting_until = self.seen + self.rest
        self.problem = f"resting until row {self.resting_until} after harm"
        self.rest *= 2

    def forget_answers(self) -> None:
        """The adapted network starts again: what it said before does not count."""
        self._answers.clear()


def information(answers: Collection[Answers], place: int) -> float:
    """Entropy of the mean answer less the mean entropy of an answer; `place` 0 is the frozen network, 1 the adapted."""
    mean = np.sum([part.classes[place] for part in answers], axis=0) / sum(part.rows for part in answers)
    return float(_entropies(mean[None])[0]) - doubt(answers, place)


def doubt(answers: Collection[Answers], place: int) -> float:
    """The mean entropy of an answer."""
    return sum(part.entropies[place] for part in answers) / sum(part.rows for part in answers)


def agreement(answers: Collection[Answers], place: int) -> float:
    """Correlation of a row's answer with the next one's: how sure the answers are does not matter."""
    rows, pairs = sum(part.rows for part in answers), max(1, sum(part.pairs for part in answers))
    mean = np.sum([part.classes[place] for part in answers], axis=0) / rows
    variance = sum(part.squares[place] for part in answers) / rows - float(mean @ mean)
    shared = sum(part.agreeing[place] for part in answers) / pairs - float(mean @ mean)
    return shared / variance if variance > 1e-9 else 0.0


def _summed(frozen: np.ndarray, adapted: np.ndarray) -> Answers:
    return Answers(
        len(frozen),
        (float(_entropies(frozen).sum()), float(_entropies(adapted).sum())),
        (frozen.sum(axis=0), adapted.sum(axis=0)),
        (float((frozen**2).sum()), float((adapted**2).sum())),
        len(frozen) - 1,
        (float((frozen[:-1] * frozen[1:]).sum()), float((adapted[:-1] * adapted[1:]).sum())),
    )


def neighbours_alike(means: np.ndarray, squares: np.ndarray, change: bool) -> float:
    """Intraclass correlation of rows in blocks: 0 where neighbours are no more alike than others, 1 where equal.

    `means` (g, d) and `squares` (g,), sums of squares around them, describe g blocks in the order of the stream; with
    `change`, the mean may move once, at the place where that explains most.

    >>> blocks = np.array([[0.0], [2.0], [0.0], [2.0]])
    >>> round(neighbours_alike(blocks, np.full(4, 7.0), change=False), 2)  # (10.67 - 1) / (10.67 + 7)
    0.55
    """
    count = len(means)
    inside = squares.sum() / (count * (BLOCK - 1))
    sizes = np.arange(1, count)[:, None]
    left = means.cumsum(axis=0)[:-1]
    right = means.sum(axis=0) - left
    total = (means**2).sum() - (means.sum(axis=0) ** 2).sum() / count
    if change and count > 2:
        kept = (left**2 / sizes + right**2 / (count - sizes)).sum(axis=1)
        total = (means**2).sum() - kept.max()
    between = BLOCK * max(total, 0.0) / (count - 1 - (change and count > 2))
    scale = between + (BLOCK - 1) * inside
    return float((between - inside) / scale) if scale > 0 else 0.0


def _entropies(probs: np.ndarray) -> np.ndarray:
    return -(probs * np.log(np.maximum(probs, 1e-12))).sum(axis=1)

"""Worlds of the merging family: small networks on real digits that have learnt different things.

The truth of an Editor's world is `Trial(score, bar)`: `score(model)` is the accuracy that the world is about, and a
claimed method brings the merged model above `bar`, what is had without merging.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from holdfast.faults.worlds import World

SIZE = 1500  # rows that networks may learn from; the others judge


class Trial(NamedTuple):
    """How a world judges an edited model."""

    score: Callable[[Any], float]
    bar: float


@cache
def fine_tunes(seed: int) -> World:
    """One network trained for a little on digits, then five times longer at different rates; the bar is their mean."""
    base = _base(seed, epochs=3)
    runs = [_trained(base, _rows(seed), 10 * seed + place, 4, rate) for place, rate in enumerate((2, 4, 6, 8, 10))]
    return _world([*runs], float(np.mean([_accuracy(run, _TEST) for run in runs])), evaluate=_validation(seed))


@cache
def one_bad_run(seed: int) -> World:
    """The same with one run that has learnt shuffled labels; the bar is the mean of the others."""
    base = _base(seed, epochs=3)
    runs = [_trained(base, _rows(seed), 10 * seed + place, 4, rate) for place, rate in enumerate((2, 4, 6))]
    bad = _trained(base, _rows(seed), 7, 4, 10, shuffled=True)
    bar = float(np.mean([_accuracy(run, _TEST) for run in runs]))
    return _world([bad, *runs], bar, evaluate=_validation(seed))


@cache
def forgetting(seed: int) -> World:
    """A network that knows digits is tuned on digits that stand a pixel further left, and forgets the others.

    The score is the mean accuracy on both; the bar is the better of the two networks.
    """
    base = _base(seed, epochs=8)
    tuned = _trained(base, _rows(seed), seed, 8, 4, moved=(0, -1))
    score = partial(_mean_accuracy, moves=((0, 0), (0, -1)))
    return _world([base, tuned], max(score(base), score(tuned)), score)


@cache
def three_tasks(seed: int) -> World:
    """A network that knows digits is tuned three times: on digits further left, further right, and further up.

    The score is the mean accuracy on the three tasks; the bar is the best of the four networks.
    """
    base = _base(seed, epochs=6)
    runs = [_trained(base, _rows(seed), seed + place, 5, 3, moved=move) for place, move in enumerate(_MOVES)]
    fishers = [_fisher(base, _rows(seed)), *(_fisher(run, _rows(seed), m) for run, m in zip(runs, _MOVES, strict=True))]
    score = partial(_mean_accuracy, moves=_MOVES)
    return _world([base, *runs], max(score(model) for model in (base, *runs)), score, fishers=fishers)


@cache
def many_runs(seed: int) -> World:
    """A network that knows digits is tuned six times on digits further left, each time on other 150 rows.

    The score is the accuracy on such digits; the bar is the mean of the six.
    """
    base = _base(seed, epochs=6)
    parts = _rows(seed)[:900].reshape(6, 150)
    runs = [_trained(base, rows, seed + place, 12, 4, moved=(0, -2)) for place, rows in enumerate(parts)]
    score = partial(_mean_accuracy, moves=((0, -2),))
    return _world([base, *runs], float(np.mean([score(run) for run in runs])), score)


@cache
def strangers(seed: int) -> World:
    """Two networks trained from different starts: half-way, accuracy is lost, unless hidden units are matched.

    The bar for an edited pair is the accuracy half-way without matching; for a soup, that of the first network.
    """
    one, other = (_trained(_network(100 * seed + start), _rows(seed), seed, 10, 6) for start in (1, 2))
    first = _accuracy(one, _TEST)

    def score(model: Any) -> float:
        return _accuracy(model, _TEST)

    plain = _accuracy(_halfway(one, other), _TEST)
    return World(
        {"models": [one, other], "model": other, "reference": one, "old_predicted": _said(one), "y": _labels(),
         "new_predicted": _said(other), "path_loss": _path(one, other)},
        {"soup": Trial(score, first), "aligned": Trial(partial(_halfway_accuracy, one), plain + 0.02)},
    )  # fmt: skip


@cache
def more_data(seed: int) -> World:
    """A network of 300 rows is tuned on 1,200: the score is minus the share of right answers that were lost.

    A model whose accuracy is more than 1.5 points below the tuned network's scores -1; the bar is the tuned network.
    """
    rows = _rows(seed)
    old = _trained(_network(seed), rows[:300], seed, 15, 4)
    new = _trained(old, rows, seed + 1, 6, 8)
    y, before, after = _labels(), _said(old), _said(new)
    least = (after == y).mean() - 0.015

    def score(model: Any) -> float:
        now = _said(model)
        return -float(((before == y) & (now != y)).mean()) if (now == y).mean() >= least else -1.0

    lost = -float(((before == y) & (after != y)).mean())
    return _world([old, new], lost, score, old_predicted=before, new_predicted=after, y=y)


@cache
def flips(seed: int) -> World:
    """Answers of an old and a new model on digits, 4 % of which are right before and wrong after: the truth."""
    rng = np.random.default_rng([seed, 2])
    y = _digits()[1][_TEST]
    wrong_before, flipped = rng.random(len(y)) < 0.1, rng.random(len(y)) < 0.04 / 0.9
    old = np.where(wrong_before, (y + 1) % 10, y)
    return World(
        {"old_predicted": old, "new_predicted": np.where(flipped & ~wrong_before, (y + 3) % 10, y), "y": y}, 0.04
    )


@cache
def barrier(seed: int) -> World:
    """Losses on the way between two networks, on rows drawn from 297 digits; the truth is that on all of them."""
    path = _barrier_path()
    share = np.linspace(0, 1, len(path))
    mean = path.mean(axis=1)
    drawn = np.random.default_rng([seed, 3]).integers(0, path.shape[1], path.shape[1])
    return World({"path_loss": path[:, drawn]}, float((mean - (1 - share) * mean[0] - share * mean[-1]).max()))


@cache
def none(seed: int) -> World:
    """A network and a copy of it: nothing changed, and whatever is merged is the same network."""
    base = _base(seed, epochs=3)
    twin = _with(base, base.state_dict())
    fisher = _fisher(base, _rows(seed)[:100])
    return World(
        {"models": [base, twin], "model": base, "reference": twin, "fishers": [fisher, fisher], "fisher": fisher,
         "evaluate": _validation(seed), "path_loss": _path(base, twin), "old_predicted": _said(base),
         "new_predicted": _said(twin), "y": _labels()},
        Trial(partial(_accuracy, rows=_TEST), _accuracy(base, _TEST)),
    )  # fmt: skip


# --- digits -----------------------------------------------------------------------------------------------------
@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).astype(np.float32), y[order]


_TEST = np.arange(SIZE, 1797)
_MOVES = ((0, -1), (0, 1), (-1, 0))


def _rows(seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 1]).permutation(SIZE)[: SIZE - 200]


def _labels() -> np.ndarray:
    return _digits()[1][_TEST]


def _images(rows: np.ndarray, moved: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Images as rows of pixels, `moved` so many pixels down and right; what leaves on one side is lost."""
    X = _digits()[0][rows].reshape(-1, 8, 8)
    down, right = moved
    framed = np.pad(X, ((0, 0), (2, 2), (2, 2)))
    return framed[:, 2 - down : 10 - down, 2 - right : 10 - right].reshape(-1, 64)


# --- networks ---------------------------------------------------------------------------------------------------
class _CrossEntropy:
    def loss(self, model: Any, inputs: Any, y: Any, **_: Any) -> Any:
        from torch.nn.functional import cross_entropy

        return cross_entropy(model(inputs), y)


def _network(seed: int) -> Any:
    from holdfast.nets.calling import seeded
    from holdfast.nets.reference import MLP

    with seeded(seed):
        return MLP(64, 10, width=128, depth=1)


@cache
def _base(seed: int, epochs: int) -> Any:
    return _trained(_network(seed), _rows(seed), seed, epochs, 4)


def _trained(
    model: Any, rows: np.ndarray, seed: int, epochs: int, rate: float, moved: tuple[int, int] = (0, 0),
    shuffled: bool = False,
) -> Any:  # fmt: skip
    import torch

    from holdfast.nets import Batches, fit

    y = _digits()[1][rows]
    if shuffled:
        y = np.random.default_rng(seed).permutation(y)
    loader = Batches(_images(rows, moved), y, batch_size=64, shuffle=True, seed=seed)
    optimizer = partial(torch.optim.AdamW, lr=rate / 1000)
    return fit(model, _CrossEntropy(), loader, epochs=epochs, optimizer=optimizer, seed=seed, device="cpu").model


def _logits(model: Any, rows: np.ndarray, moved: tuple[int, int] = (0, 0)) -> np.ndarray:
    from holdfast.nets import Batches, predict

    if not hasattr(model, "parameters"):
        model = _with(_network(0), model)
    return predict(model, Batches(_images(rows, moved), batch_size=1024))


def _accuracy(model: Any, rows: np.ndarray, moved: tuple[int, int] = (0, 0)) -> float:
    return float((_logits(model, rows, moved).argmax(axis=1) == _digits()[1][rows]).mean())


def _mean_accuracy(model: Any, moves: Sequence[tuple[int, int]]) -> float:
    return float(np.mean([_accuracy(model, _TEST, move) for move in moves]))


def _said(model: Any) -> np.ndarray:
    return _logits(model, _TEST).argmax(axis=1)


def _validation(seed: int) -> Callable[[Any], float]:
    held_out = np.setdiff1d(np.arange(SIZE), _rows(seed))
    return partial(_accuracy, rows=held_out)


def _fisher(model: Any, rows: np.ndarray, moved: tuple[int, int] = (0, 0)) -> Any:
    from holdfast.nets import Batches
    from holdfast.nets.fisher import diagonal_fisher

    return diagonal_fisher(model, Batches(_images(rows[:300], moved), batch_size=300), total=True)


def _with(model: Any, state: Any) -> Any:
    import copy

    made = copy.deepcopy(model)
    made.load_state_dict(dict(state))
    return made.eval()


def _halfway(one: Any, other: Any, share: float = 0.5) -> Any:
    ours, theirs = one.state_dict(), other.state_dict()
    return _with(one, {name: (1 - share) * ours[name] + share * theirs[name] for name in ours})


def _halfway_accuracy(one: Any, made: Any) -> float:
    return _accuracy(_halfway(one, made), _TEST)


def _path(one: Any, other: Any) -> np.ndarray:
    y = _labels()
    losses = []
    for share in np.linspace(0, 1, 11):
        logits = _logits(_halfway(one, other, float(share)), _TEST).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        losses.append(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y])
    return np.array(losses)


@cache
def _barrier_path() -> np.ndarray:
    return _path(*(_trained(_network(start), _rows(0), 0, 10, 6) for start in (1, 2)))


def _world(models: list[Any], bar: float, score: Callable[[Any], float] | None = None, **more: Any) -> World:
    return World({"models": models, **more}, Trial(score or partial(_accuracy, rows=_TEST), bar))

"""What laws cannot say of selection: exact values, unbiased pruning, the sampling that is the bar."""

from __future__ import annotations

from itertools import permutations
from math import exp

import numpy as np
import pytest

from holdfast.selection import GVendi, KNNShapley


@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_knn_shapley_is_the_mean_over_all_orders(k: int) -> None:
    """The value of a row is what it adds, over all 720 orders in which six rows can come, to the nearest rows' vote."""
    rng = np.random.default_rng(k)
    X, y = rng.normal(size=(6, 2)), rng.integers(0, 2, 6)
    told, labels = rng.normal(size=(3, 2)), rng.integers(0, 2, 3)

    def utility(rows: list[int]) -> float:
        worth = 0.0
        for point, label in zip(told, labels, strict=True):
            nearest = sorted(rows, key=lambda row: ((X[row] - point) ** 2).sum())[:k]
            worth += sum(y[row] == label for row in nearest) / k
        return worth / len(told)

    values = np.zeros(6)
    worths: dict[frozenset[int], float] = {}
    orders = list(permutations(range(6)))
    for order in orders:
        before = 0.0
        for place, row in enumerate(order):
            seen = frozenset(order[: place + 1])
            after = worths[seen] if seen in worths else worths.setdefault(seen, utility(list(seen)))
            values[row] += (after - before) / len(orders)
            before = after
    ours = KNNShapley(k=k).fit(ref_X=told, ref_y=labels).score_rows(X, y)
    assert -ours == pytest.approx(values, abs=1e-12)


def test_g_vendi_counts_directions_and_neither_copies_nor_lengths() -> None:
    five = np.eye(5)[np.arange(100) % 5] * np.arange(1, 101)[:, None]
    assert GVendi().measure(five).value == pytest.approx(5)
    assert GVendi().measure(np.concatenate([five, five])).value == pytest.approx(5)
    shares = np.array([0.5, 0.3, 0.2])
    rows = np.repeat(np.eye(3), [50, 30, 20], axis=0)
    assert GVendi().measure(rows).value == pytest.approx(exp(-(shares * np.log(shares)).sum()))
    wide = np.random.default_rng(0).normal(size=(30, 200))
    assert GVendi().measure(wide).value == pytest.approx(np.exp(_entropy(wide)))


def _entropy(rows: np.ndarray) -> float:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.svd(unit, compute_uv=False) ** 2 / len(rows)
    return float(-(values * np.log(values)).sum())


def test_info_batch_is_unbiased_and_ends_with_all_rows() -> None:
    torch = pytest.importorskip("torch")
    from holdfast.nets.calling import seeded
    from holdfast.selection import InfoBatch

    logits, y, row = (
        torch.linspace(0, 3, 40)[:, None] * torch.tensor([[1.0, 0.0]]),
        torch.zeros(40).long(),
        torch.arange(40),
    )
    objective = InfoBatch(share=0.7, until=3).fit([{"row": row}])
    net, batch = torch.nn.Identity(), {"inputs": logits, "y": y, "row": row}
    full = objective.loss(net, **batch).item()
    assert full == pytest.approx(torch.nn.functional.cross_entropy(logits, y).item(), abs=1e-6)
    known = objective.losses_.clone()
    found, passes = [], objective.passes_
    with seeded(0):
        for _ in range(400):
            objective.losses_ = known.clone()
            objective.start_epoch(1)
            found.append(objective.loss(net, **batch).item())
    assert np.mean(found) == pytest.approx(full, abs=4 * np.std(found) / 400**0.5)
    easy = float((known < known.mean()).float().mean())
    assert (objective.passes_ - passes) / 16000 == pytest.approx(1 - 0.7 * easy, abs=0.02)
    objective.start_epoch(3)
    assert bool((objective.weights_ == 1).all())


def test_repeated_sampling_uses_every_row_before_any_twice() -> None:
    torch = pytest.importorskip("torch")
    from holdfast.selection import RepeatedRandomSampling

    objective = RepeatedRandomSampling(share=0.3).fit([{"row": torch.arange(10)}])
    counts = torch.zeros(10)
    for epoch in range(10):
        objective.start_epoch(epoch)
        assert int(objective.turn_.sum()) == 3
        counts += objective.turn_
    assert counts.tolist() == [3.0] * 10

"""What kind of row this is by its loss curve, and what a model rests on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from holdfast.faults.worlds import slices as worlds
from holdfast.slices import ConsistentCalibration, MetadataArchaeology, SRandomizedAUC


# --- metadata archaeology ---------------------------------------------------------------------------------------
def test_probes_tell_wrong_labels_from_corrupted_inputs() -> None:
    """The paper's claim: one training and a few probes tell the kinds of problem apart, not only that there is one."""
    found = {1: [], 2: []}
    for seed in range(3):
        world = worlds.hidden_problems(seed)
        kinds = worlds._kinds(seed)
        groups = MetadataArchaeology().fit(**world.train).groups_of(world.evidence["epoch_losses"])
        for kind, shares in found.items():
            shares.append((groups[kinds == kind] == kind).mean())
        assert (groups[kinds == 0] == 0).mean() > 0.8, "typical rows are called problems"
    assert min(map(np.mean, found.values())) > 0.7, f"{found}"


def test_a_suite_alone_ranks_its_own_kind() -> None:
    world, kinds = worlds.hidden_problems(0), worlds._kinds(0)
    problems = kinds > 0
    for suite in (1, 2):
        scores = MetadataArchaeology(suite=suite).fit(**world.train).score_rows(world.evidence["epoch_losses"])
        value = roc_auc_score((kinds == suite)[problems], scores[problems])
        assert value > 0.85, f"AUROC {value:.3f} of suite {suite} against the other kind of problem"


def test_votes_are_shares_of_the_nearest_probes() -> None:
    rng = np.random.default_rng(0)
    probes, rows, group = rng.normal(size=(6, 40)), rng.normal(size=(6, 9)), np.arange(40) % 4
    shares = MetadataArchaeology(neighbours=7).fit(probes, group).probabilities_of(rows)
    for row, share in enumerate(shares):
        nearest = np.argsort(((probes.T - rows[:, row]) ** 2).sum(axis=1))[:7]
        np.testing.assert_allclose(share, np.bincount(group[nearest], minlength=4) / 7)
    with pytest.raises(ValueError, match="epoch_losses has 3 epochs, but the probes have 6"):
        MetadataArchaeology().fit(probes, group).score_rows(rows[:3])
    with pytest.raises(ValueError, match="suites 0 to 3, but the setting suite is 4"):
        MetadataArchaeology(suite=4).fit(probes, group)


# --- reliance on a block of features ----------------------------------------------------------------------------
def test_the_loss_is_what_shuffling_by_hand_costs() -> None:
    evidence = worlds.relied_on_shortcut(0).evidence
    probe = SRandomizedAUC(repeats=50)
    loss = probe.measure(**evidence)
    model, X, y = evidence["model"], evidence["X"], evidence["y"]
    rng = np.random.default_rng(9)
    by_hand = []
    for _ in range(50):
        changed = X.copy()
        changed[:, 0] = rng.permutation(X[:, 0])
        by_hand.append(roc_auc_score(y, model.predict_proba(changed)[:, 1]))
    whole = roc_auc_score(y, model.predict_proba(X)[:, 1])
    assert probe.randomized_ == pytest.approx(np.mean(by_hand), abs=0.01)
    assert loss.value == pytest.approx(whole - probe.randomized_, abs=1e-6)


def test_copies_hide_each_other_unless_shuffled_together() -> None:
    """The stated blind spot, measured: three copies share what one column had."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    X = y[:, None] + 0.7 * rng.normal(size=(2000, 1)) + 0.1 * rng.normal(size=(2000, 3))
    model = LogisticRegression().fit(X[:1000], y[:1000])
    one, all_three = (
        SRandomizedAUC(block=block).measure(model=model, X=X[1000:], y=y[1000:]).value for block in ((0,), (0, 1, 2))
    )
    assert all_three > 0.3
    assert one < all_three / 2, f"{one:.2f} alone, {all_three:.2f} together"


@pytest.mark.parametrize("block", [(), (3,), (-1,)])
def test_a_block_outside_the_table_is_named(block: tuple[int, ...]) -> None:
    model = LogisticRegression().fit(np.eye(3), [0, 1, 1])
    with pytest.raises(ValueError, match="X has columns 0 to 2, but block is"):
        SRandomizedAUC(block=block).measure(model=model, X=np.eye(3), y=[0, 1, 1])


# --- feedback loops ---------------------------------------------------------------------------------------------
def test_the_bound_is_the_sum_of_the_theorem_and_ends_below_all_rows_over_human_ones() -> None:
    initial, human, machine = 200, 30, 70
    rows = initial
    for rounds in range(1, 6):
        rows += human + machine
        total = 1 + sum(
            machine / n * np.prod([(later - human) / later for later in range(n + 100, rows + 1, 100)])
            for n in range(initial + 100, rows + 1, 100)
        )
        assert ConsistentCalibration.bound(rounds, initial, human, machine) == pytest.approx(total)
    assert ConsistentCalibration.bound(1000, initial, human, machine) < 1 + machine / human
    assert ConsistentCalibration.bound(0, initial, human, machine) == 1


def test_answers_that_agree_with_labels_do_not_drift() -> None:
    found = ConsistentCalibration().measure(y=[0, 1, 1, 0] * 10, predicted=[1, 0, 1, 0] * 10)
    assert found.value == 0
    assert found.pvalue == 1
    assert found.low < 0 < found.high

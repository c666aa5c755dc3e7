"""What laws cannot say of training objectives: late settings, experts that are chosen when met, groups kept back."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.faults.worlds import training as worlds  # noqa: E402
from holdfast.faults.worlds._lessons import accuracy, digits  # noqa: E402
from holdfast.nets.calling import seeded  # noqa: E402
from holdfast.testing.laws.objective import gain, ready  # noqa: E402
from holdfast.training import (  # noqa: E402
    DOS,
    JTT,
    SADE,
    BetaMixtureBootstrapping,
    LastLayerRetraining,
    OutlierExposure,
    SelfSupervisedPretraining,
    SelMix,
    dos,
)
from holdfast.training.self_supervised_pretraining import turned  # noqa: E402


def test_beta_mixture_waits_for_the_warm_up() -> None:
    rng = np.random.default_rng(0)
    losses = torch.from_numpy(np.concatenate([rng.uniform(0, 0.2, 60), rng.uniform(2, 3, 30)])).float()
    for warm_up, looked in ((3, False), (2, True)):
        objective = BetaMixtureBootstrapping(warm_up=warm_up).fit(y=np.zeros(90, dtype=int))
        objective.losses_ = losses.clone()
        objective.start_epoch(2)
        assert bool((objective.wrong_ > 0).any()) is looked
    assert float(objective.wrong_[60:].min()) > 0.9 and float(objective.wrong_[:60].max()) < 0.1


@cache
def experts() -> tuple[SADE, Any]:
    world = worlds.imbalanced(0)
    objective = ready(SADE(), world)
    return objective, world.truth.train(objective).model


def test_sade_prefers_the_expert_of_the_tail_that_is_met() -> None:
    objective, model = experts()
    _, _, X, y = digits(0)
    rare = np.argsort(objective.counts_)
    found = {}
    for name, order in (("forward", rare[::-1]), ("inverse", rare)):
        rows = np.concatenate([np.flatnonzero(y == c)[: round(60 * 30 ** (-i / 9))] for i, c in enumerate(order)])
        made = objective.aggregated(model, torch.from_numpy(X[rows]))
        mean = accuracy(objective.assembled(model), X[rows], y[rows])
        found[name] = (objective.shares_.numpy().copy(), accuracy(made, X[rows], y[rows]) - mean)
    assert found["forward"][0][0] > found["inverse"][0][0], "the first expert gains where the tail is that of training"
    assert found["inverse"][0][2] > found["forward"][0][2], "the third expert gains where the tail is turned round"
    assert min(gain for _, gain in found.values()) > 0


def test_sade_steps_and_spread_matter() -> None:
    objective, model = experts()
    inputs = torch.from_numpy(digits(0)[2][:200])
    shares = []
    for settings in ({}, {"steps": 3}, {"spread": 0.1}, {"seed": 1}):
        objective.set_params(**{"steps": 100, "spread": 0.5, "seed": 0, **settings})
        objective.aggregated(model, inputs)
        shares.append(objective.shares_.numpy().copy())
    objective.set_params(steps=100, spread=0.5, seed=0)
    assert all(np.abs(shares[0] - other).max() > 1e-4 for other in shares[1:])


def test_sel_mix_draws_pairs_for_the_class_that_is_found_least() -> None:
    """Two classes that are told apart and a third half of which is taken for the second: its pairs are drawn most."""
    ref_X, ref_y = np.repeat(np.eye(3), 10, axis=0), np.repeat(np.arange(3), 10)
    ref_X[25:, 1] = 1  # half of the third class looks like the second
    net = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False))
    net[0].weight.data.copy_(torch.tensor([[4.0, 0, 0], [0, 4.0, 2.0], [0, 0, 4.0]]))
    chances = {}
    for name, settings in {"usual": {}, "hot": {"temperature": 9.0}}.items():
        objective = SelMix(step=2.0, **settings).fit(ref_X, ref_y)
        pairs = objective._chosen(net, 3)
        chances[name] = (pairs / pairs.sum()).numpy()
    assert chances["usual"][2].sum() > 0.5
    assert chances["hot"][2].sum() < chances["usual"][2].sum()


def test_sel_mix_multipliers_grow_for_what_is_not_found() -> None:
    confusion = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    grown = {}
    for step in (1.0, 4.0):
        objective = SelMix(step=step).fit([[0.0], [1.0]], [0, 1])
        objective._slope(confusion)
        grown[step] = objective.multipliers_.tolist()
    assert grown[1.0][1] == pytest.approx(1 / (1 + np.exp(-0.7)), abs=1e-6)  # odds e^(0.9 - 0.2)
    assert grown[4.0][1] > grown[1.0][1]
    mean = SelMix(metric="mean_recall").fit([[0.0], [1.0]], [0, 1])._slope(confusion)
    assert mean.flatten().tolist() == pytest.approx([0.045, -0.045, -0.08, 0.08])  # recall (1[l = k] - C) / 2


def test_jtt_knows_the_rows_of_a_shuffled_loader() -> None:
    batch = {"inputs": torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "y": torch.tensor([1, 1]), "row": torch.tensor([1, 0])}
    assert JTT(epochs=0).fit(torch.nn.Identity(), [batch]).errors_.tolist() == [False, True]


def test_last_layer_retraining_keeps_every_group_back_alike_and_learns_from_the_rest() -> None:
    world = worlds.shortcut(0)
    objective = LastLayerRetraining(share=0.25).fit(world.evidence["loader"])
    group = world.train["group"]
    rates = [float(objective.kept_back_[torch.from_numpy(group == code)].float().mean()) for code in range(4)]
    assert rates == pytest.approx([0.25] * 4, abs=0.05)
    batch = world.truth.loader.take(torch.nonzero(objective.kept_back_)[:20, 0])
    assert objective.loss(world.evidence["model"], **batch).item() == 0


def _random_outliers(_features: Any, probability: Any, count: int, _steps: int) -> Any:
    return torch.randperm(len(probability))[:count]


class _Exposure:
    def loss(self, model: Any, inputs: Any, y: Any, outliers: Any, **_: Any) -> Any:
        return OutlierExposure().loss(model, inputs, y, outliers.flatten(0, 1))


def test_diverse_outliers_teach_more_than_random_ones_at_the_same_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over eight seeds by more than the 90 % interval; and more than outlier exposure on all candidates."""
    lessons = [worlds.outliers_mostly_of_one_kind(seed).truth for seed in range(8)]
    caught = np.array([lesson.score(lesson.train(DOS()).model) for lesson in lessons])
    exposed = np.array([lesson.score(lesson.train(_Exposure()).model) for lesson in lessons[:5]])
    monkeypatch.setattr(dos, "_diverse", _random_outliers)
    gains = caught - [lesson.score(lesson.train(DOS()).model) for lesson in lessons]
    assert gains.mean() > 1.895 * gains.std(ddof=1) / 8**0.5, f"{np.round(gains, 3)} above random outliers"
    assert (caught[:5] - exposed).mean() > 0.015, f"{np.round(caught[:5] - exposed, 3)} above outlier exposure"


def test_diverse_outliers_are_one_a_cluster_and_the_likest_of_it() -> None:
    features = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.02], [0.0, 1.0], [0.02, 1.0]]), dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        picked = dos._diverse(features, torch.tensor([0.9, 0.2, 0.1, 0.3]), 2, 5)
    assert sorted(picked.tolist()) == [1, 2]


def test_class_of_outliers_is_not_a_class_of_rows() -> None:
    batch = {"inputs": torch.zeros(2, 2), "y": torch.tensor([0, 1]), "outliers": torch.ones(3, 2)}
    with pytest.raises(ValueError, match="an output more"):
        DOS().loss(torch.nn.Linear(2, 2), **batch)


def _pictures_and_net() -> tuple[Any, Any]:
    with seeded(4):
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(216, 3)
        )
        return torch.rand(5, 1, 8, 8), net


@pytest.mark.parametrize("pretext", ["contrast", "rotation"])
def test_pretraining_asks_nothing_of_the_labels_and_square_pictures_of_the_inputs(pretext: Any) -> None:
    pictures, net = _pictures_and_net()
    objective, found = SelfSupervisedPretraining(pretext=pretext).fit(net), []
    for y in (torch.tensor([0, 1, 2, 0, 1]), torch.tensor([2, 2, 2, 2, 2])):
        with seeded(0):
            found.append(objective.loss(net, pictures, y).item())
    assert found[0] == found[1]
    with pytest.raises(ValueError, match="expected square pictures"):
        objective.loss(net, pictures[..., :7], y)


def test_contrast_is_its_formula_on_views_that_are_not_distorted() -> None:
    pictures, net = _pictures_and_net()
    objective = SelfSupervisedPretraining(distortion=0.0, temperature=0.7).fit(net)
    y = torch.zeros(5, dtype=torch.long)
    with torch.no_grad():
        z = objective.answers_(net[:3](pictures)).double().numpy()
    z = np.concatenate([z, z]) / np.linalg.norm(np.concatenate([z, z]), axis=1, keepdims=True)
    alike = np.exp(z @ z.T / 0.7)
    np.fill_diagonal(alike, 0)
    expected = -np.mean([np.log(alike[i, (i + 5) % 10] / alike[i].sum()) for i in range(10)])
    assert objective.loss(net, pictures, y).item() == pytest.approx(expected, abs=1e-5)


def test_rotation_turns_every_picture_by_its_own_number_of_quarters() -> None:
    pictures = _pictures_and_net()[0]
    found = turned(pictures, torch.tensor([0, 1, 2, 3, 1]))
    for picture, row, quarters in zip(pictures.numpy(), found.numpy(), [0, 1, 2, 3, 1], strict=True):
        assert np.array_equal(row[0], np.rot90(picture[0], quarters))


def test_pretraining_is_ahead_of_as_many_steps_on_labels_before_the_tuning() -> None:
    """A seed that no setting was chosen on."""
    assert gain(SelfSupervisedPretraining, worlds.imbalanced_pictures, 5) > 0.01

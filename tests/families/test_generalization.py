"""What laws cannot say of objectives for several domains: wide margins in their worlds, what penalties are."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.faults.worlds import generalization as worlds  # noqa: E402
from holdfast.generalization import DRM, IRM, UDIM, VeryLargeDropout, VREx  # noqa: E402
from holdfast.nets.calling import seeded  # noqa: E402
from holdfast.nets.objectives import CrossEntropy  # noqa: E402
from holdfast.testing.laws.objective import gain, ready  # noqa: E402


def test_irm_is_far_ahead_where_labels_are_noisy_and_ahead_of_v_rex() -> None:
    ours = [gain(IRM, worlds.noisy_shortcut, seed) for seed in range(3)]
    others = [gain(VREx, worlds.noisy_shortcut, seed) for seed in range(3)]
    assert min(ours) > 0.2
    assert np.mean(ours) > np.mean(others) + 0.02


def test_irm_penalty_is_the_squared_slope_by_the_scale_of_the_logits() -> None:
    with seeded(3):
        logits, y, group = torch.randn(40, 5), torch.randint(0, 5, (40,)), torch.arange(40) % 3
    batch = {"inputs": logits, "y": y, "group": group}
    plain, ours = (IRM(penalty=p, start=0).loss(torch.nn.Identity(), **batch).item() for p in (0.0, 5.0))
    slopes = []
    for code in range(3):
        scale = torch.ones((), requires_grad=True)
        loss = torch.nn.functional.cross_entropy(scale * logits[group == code], y[group == code])
        slopes.append(float(torch.autograd.grad(loss, scale)[0]))
    assert ours == pytest.approx((plain + 5 * np.mean(np.square(slopes))) / 5, abs=1e-5)


def test_irm_penalty_waits_for_its_epoch() -> None:
    batch = {"inputs": torch.tensor([[3.0, 0.0]]), "y": torch.tensor([1]), "group": torch.tensor([0])}
    objective, found = IRM(penalty=0.5, start=4), []
    for epoch in (3, 4):
        objective.start_epoch(epoch)
        found.append(objective.loss(torch.nn.Identity(), **batch).item())
    assert found[1] > found[0]


def test_udim_is_ahead_of_sharpness_awareness_alone() -> None:
    for seed in range(2):
        lesson = worlds.disturbed(seed).truth
        flat = lesson.score(lesson.train(UDIM(penalty=0.0)).model) - lesson.plain()
        assert gain(UDIM, worlds.disturbed, seed) > flat + 0.02


@pytest.mark.parametrize("length", [0.25, 2.0])
def test_udim_moves_every_row_so_far_and_uphill(length: float) -> None:
    world = worlds.disturbed(0)
    model, batch = world.evidence["model"], world.evidence
    seen: list[Any] = []
    handle = model.register_forward_pre_hook(lambda _m, given: seen.append(given[0].detach()))
    UDIM(input_radius=length).loss(model, batch["inputs"], batch["y"])
    handle.remove()
    moved = max(seen, key=lambda inputs: float((inputs - batch["inputs"]).abs().max()))
    assert (moved - batch["inputs"]).flatten(1).norm(dim=1).numpy() == pytest.approx(length, rel=1e-4)
    losses = [torch.nn.functional.cross_entropy(model(x), batch["y"]).item() for x in (batch["inputs"], moved)]
    assert losses[1] > losses[0]


def test_drm_gains_where_shortcuts_oppose_each_other_by_weighing_heads_together_and_not_row_by_row() -> None:
    world = worlds.opposed_shortcuts(0)
    objective = ready(DRM(), world)
    run, plain = world.truth.train(objective), world.truth.plain()
    scores = {}
    for together in (True, False):
        scores[together] = world.truth.score(objective.set_params(together=together).assembled(run.model))
    assert scores[True] > plain + 0.06
    assert scores[False] < plain + 0.03


def test_drm_weights_fall_with_doubt_and_flatten_with_temperature() -> None:
    """Three heads: the network's own without an opinion, one that is sure of class 0, one of two minds on some rows."""
    net = torch.nn.Sequential(torch.nn.Linear(1, 2))
    objective = DRM(temperature=0.3).fit(net, group=[0, 1])
    for part in (*net.parameters(), *objective.parameters()):
        part.data.zero_()
    objective.heads_[0].bias.data[0] = 2.0
    objective.heads_[1].weight.data[1, 0] = 5.0
    inputs = torch.tensor([[0.0], [1.0]])
    logits = [torch.zeros(2, 2), torch.tensor([[2.0, 0.0]] * 2), torch.tensor([[0.0, 0.0], [0.0, 5.0]])]
    probs = torch.stack(logits).softmax(2)
    doubt = -(probs * probs.log()).sum(2)
    for together, temperature in ((True, 0.3), (True, 3.0), (False, 0.3)):
        weights = (-(doubt.mean(1, keepdim=True) if together else doubt) / temperature).softmax(0)
        expected = (weights[..., None] * probs).sum(0)
        objective.set_params(together=together, temperature=temperature)
        assert objective.assembled(net)(inputs).exp().detach().numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def test_drm_learns_each_head_from_its_own_domain() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    objective = DRM().fit(net, group=[0, 1, 2])
    inputs, y, group = torch.ones(3, 2), torch.tensor([0, 1, 0]), torch.tensor([0, 2, 2])
    objective.loss(net, inputs, y, group).backward()
    moved = [bool(head.weight.grad is not None and head.weight.grad.abs().max() > 0) for head in objective.heads_]
    assert moved == [True, False, True]
    with pytest.raises(ValueError, match="domain 3"):
        objective.loss(net, inputs, y, group + 1)


def test_udim_is_its_formula() -> None:
    """Both worst weights are those of their own rows, and inputs move up the loss and its slope by the weights."""
    with seeded(5):
        net, x, y = torch.nn.Linear(3, 2), torch.randn(8, 3), torch.randint(0, 2, (8,))
    weights, rho, length, penalty = [net.weight, net.bias], 0.7, 0.9, 0.4

    def loss(inputs: Any, parts: Any) -> Any:
        return torch.nn.functional.cross_entropy(torch.nn.functional.linear(inputs, *parts), y)

    def slope(inputs: Any, keep: bool = False) -> tuple[Any, Any]:
        ways = torch.autograd.grad(loss(inputs, weights), weights, create_graph=keep)
        return ways, torch.cat([way.flatten() for way in ways]).norm()

    def sharp(inputs: Any) -> float:
        ways, size = slope(inputs)
        worse = [part + rho * way / size for part, way in zip(weights, ways, strict=True)]
        return float(loss(inputs, worse).detach())

    given = x.clone().requires_grad_(True)
    (up,) = torch.autograd.grad(loss(given, weights) + rho * slope(given, keep=True)[1], given)
    moved = x + length * up.detach() / up.norm(dim=1, keepdim=True).detach()
    expected = (1 - penalty) * sharp(x) + penalty * sharp(moved)
    ours = UDIM(radius=rho, input_radius=length, penalty=penalty).loss(net, x, y)
    assert ours.item() == pytest.approx(expected, abs=1e-5)


def test_very_large_dropout_is_ahead_of_plain_fine_tuning_of_decay_and_of_half_the_features_by_a_wide_margin() -> None:
    """Seeds that no setting was chosen on."""
    ours = [gain(VeryLargeDropout, worlds.glaring_mark, seed) for seed in (5, 6, 7)]
    assert min(ours) > 0.05 and np.mean(ours) > 0.08, ours
    lesson = worlds.glaring_mark(7).truth
    decay = partial(torch.optim.SGD, lr=lesson.rate, momentum=0.9, weight_decay=0.01)
    decayed = lesson.score(lesson.train(CrossEntropy(), optimizer=decay).model)
    assert decayed < lesson.plain() + 0.03 < lesson.plain() + ours[2]


def test_very_large_dropout_keeps_one_feature_in_ten_ten_times_as_large_anew_for_every_row() -> None:
    seen: list[Any] = []
    net = torch.nn.Sequential(torch.nn.Linear(3, 400), torch.nn.Linear(400, 2))
    handle = net[1].register_forward_hook(lambda _m, given, _o: seen.append(given[0].detach()))
    with seeded(0):
        torch.nn.init.ones_(net[0].bias)
        net[0].weight.data.zero_()
        VeryLargeDropout(drop=0.9).loss(net, torch.zeros(50, 3), torch.arange(50) % 2)
    handle.remove()
    assert set(seen[0].unique().round(decimals=3).tolist()) == {0.0, 10.0}
    assert (seen[0] > 0).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert len(seen[0].unique(dim=0)) == 50
    with pytest.raises(ValueError, match="drop is 1"):
        VeryLargeDropout(drop=1.0).loss(net, torch.zeros(2, 3), torch.tensor([0, 1]))

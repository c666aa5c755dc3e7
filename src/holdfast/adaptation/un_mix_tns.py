"""Normalisation statistics kept in several components, so that one class in a row does not own them."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from holdfast.adaptation._adapter import Adapter
from holdfast.adaptation._adapting import Batch
from holdfast.adaptation._norms import normalised, with_norms
from holdfast.nets.calling import forward


class UnMixTNS(Adapter):
    r"""BatchNorm layers normalise every row by the mean of `components` statistics, each moved by the rows like it.

    .. math:: \hat\mu_{ik} = (1 - p_{ik}) \mu_k + p_{ik} \mu_i, \quad p_{ik} = \operatorname{softmax}_k
              \big(\cos(\mu_i, \mu_k) / \tau\big), \quad \mu_k \leftarrow \mu_k + a \, \overline{p_{ik} (\mu_i - \mu_k)}

    with :math:`\mu_i` the mean of the row itself, and so the variances; a row is normalised by mean and variance of the
    mixture of all components. They begin as draws around the source's statistics which together make up those
    exactly. `momentum` is a for a batch of 64 rows; :math:`\tau` is `temperature`. Layers without places (after
    pooling) keep the source's statistics, since a single number has no variance.

    Use it where classes come in runs and batch statistics would be those of one class; without runs `Tent` gains more.
    It fails without BatchNorm over places (refused) and is slow to follow a sudden change of the domain: components
    move after a batch was answered.

    >>> net = nn.Sequential(nn.BatchNorm2d(1, affine=False, eps=1e-12))
    >>> made = UnMixTNS(components=1, momentum=0.5, temperature=1.0, seed=3, gate=False).edit(net)
    >>> made(torch.tensor([[[[1.0, 5.0]]]])).flatten().tolist()  # one component is the row alone: mean 3, variance 4
    [-1.0, 1.0]
    """

    source = "tomar2024unmixing"
    claims = ("sorted_by_class", "sorted_in_small_batches", "corrupted")
    silent = ("seed",)
    wants = "any"
    components: int = 4
    momentum: float = 0.9
    temperature: float = 0.3
    seed: int = 0

    def start(self, model: nn.Module) -> SimpleNamespace:
        """The model with layers that keep components."""
        rng = torch.Generator().manual_seed(self.seed)
        who = type(self).__name__
        return SimpleNamespace(model=with_norms(model, lambda norm: _UnMixing(norm, self, rng), who))

    def step(self, state: SimpleNamespace, batch: Batch) -> torch.Tensor:
        """One forward pass."""
        return forward(state.model, batch.inputs)


class _UnMixing(nn.Module):
    means: torch.Tensor
    variances: torch.Tensor

    def __init__(self, norm: _BatchNorm, settings: UnMixTNS, rng: torch.Generator) -> None:
        super().__init__()
        self.norm, self.momentum, self.temperature = norm, settings.momentum, settings.temperature
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        count, mean, variance = settings.components, norm.running_mean, norm.running_var
        assert mean is not None and variance is not None
        apart = math.sqrt(0.5 * count / (count - 1)) if count > 1 else 0.0
        noise = torch.randn(count, len(mean), generator=rng).to(mean)
        self.register_buffer("means", mean + apart * variance.sqrt() * noise)
        self.register_buffer("variances", (0.5 if count > 1 else 1.0) * variance.repeat(count, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise every row by its own mixture; move the components."""
        if x.ndim < 3:
            return self.norm(x)
        variance, mean = torch.var_mean(x.float(), list(range(2, x.ndim)), correction=0)
        likeness = functional.normalize(mean, dim=1) @ functional.normalize(self.means.float(), dim=1).T
        shares = (likeness / self.temperature).softmax(1)[..., None]
        means = torch.lerp(self.means.float(), mean[:, None], shares)
        variances = torch.lerp(self.variances.float(), variance[:, None], shares)
        rate = 1 - (1 - self.momentum) ** (len(x) / 64)
        self.means += rate * (means - self.means).mean(0).to(self.means.dtype)
        self.variances += rate * (variances - self.variances).mean(0).to(self.variances.dtype)
        middle = means.mean(1)
        spread = variances.mean(1) + means.square().mean(1) - middle.square()
        return normalised(x, middle, spread, self)

"""What weight matching does to two networks: it turns their leading singular directions, and hardly brings them nearer.

Pairs of networks are trained on handwritten digits from different starts, and the hidden units of the second are put in
the order that is closest to the first's. By width of the hidden layers: how much of the L2 distance goes, how much of
the loss barrier goes, and how far the singular directions of both agree, before and after,

    R = sum_l sum_ij (u_i . u'_j)(v_i . v'_j) / sum_l min(r_l, r'_l),

over directions whose singular value is at least a share of the layer's largest; R is 1 for twins. Last, what the
distance alone would give: the loss on the unmatched way, at a point as far from the first network as the middle of the
matched way is.
"""

from __future__ import annotations

import copy
import gzip
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from common import data, over_seeds, write

from holdfast.merging import PermutationAlignment
from holdfast.nets import Batches, fit
from holdfast.nets.calling import seeded
from holdfast.nets.objectives import CrossEntropy
from holdfast.nets.reference import MLP

PAIRS = 5
WIDTHS = (16, 64, 256)
ROWS, HELD, EPOCHS = 3000, 2000, 8
POINTS = 11  # of the way between two networks
LEADING = 0.3  # least singular value that counts, as a share of the layer's largest
Weights = Mapping[str, torch.Tensor]


def results() -> dict[str, Any]:
    """A table a width, each number with its 90 % interval over pairs."""
    X, y = digits()
    found: dict[str, Any] = {}
    for width in WIDTHS:
        runs = [one_pair(X, y, width, seed) for seed in range(PAIRS)]
        found[f"width {width}"] = {name: over_seeds([run[name] for run in runs]) for name in runs[0]}
    return found


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images of 14 x 14 pixels in a fixed random order, and their labels."""
    images = np.frombuffer(gzip.decompress(data("mnist", "train10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = np.frombuffer(gzip.decompress(data("mnist", "train10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(labels), -1) / 255
    order = np.random.default_rng(0).permutation(len(labels))[: ROWS + HELD]
    return torch.from_numpy(small[order].astype(np.float32)), torch.from_numpy(labels[order].astype(np.int64))


def one_pair(X: torch.Tensor, y: torch.Tensor, width: int, seed: int) -> dict[str, float]:
    """Two networks, before and after matching."""
    one, other = (trained(X[:ROWS], y[:ROWS], width, 2 * seed + start) for start in (0, 1))
    matched = PermutationAlignment(seed=seed).edit(other, one)
    a, b, c = (model.state_dict() for model in (one, other, matched))
    loss = partial(held_out_loss, copy.deepcopy(one), X[ROWS:], y[ROWS:])
    near = distance(a, c) / distance(a, b)
    return {
        "distance that goes, share": 1 - near,
        "barrier before": barrier(loss, a, b),
        "barrier after": barrier(loss, a, c),
        "barrier that goes, share": 1 - barrier(loss, a, c) / barrier(loss, a, b),
        "leading directions, before": agreement(a, b, LEADING),
        "leading directions, after": agreement(a, c, LEADING),
        "all directions, before": agreement(a, b, 0.0),
        "all directions, after": agreement(a, c, 0.0),
        "largest change of a singular value, share": spectra_apart(b, c),
        "loss in the middle, matched": loss(between(a, c, 0.5)),
        "loss as far away, not matched": loss(between(a, b, 0.5 * near)),
    }


def trained(X: torch.Tensor, y: torch.Tensor, width: int, seed: int) -> torch.nn.Module:
    """A network with two hidden layers; start and order of the rows are the seed's."""
    with seeded(seed):
        start = MLP(X.shape[1], 10, width=width, depth=2)
    adam = partial(torch.optim.AdamW, lr=2e-3)
    loader = Batches(X, y, shuffle=True, seed=seed)
    return fit(start, CrossEntropy(), loader, epochs=EPOCHS, optimizer=adam, seed=seed, device="cpu").model


def between(one: Weights, other: Weights, share: float) -> dict[str, torch.Tensor]:
    """The weights so far on the way from one to the other."""
    return {name: (1 - share) * value + share * other[name] for name, value in one.items()}


def held_out_loss(model: torch.nn.Module, X: torch.Tensor, y: torch.Tensor, weights: Weights) -> float:
    """Mean cross-entropy of the network with these weights."""
    with torch.inference_mode():
        return float(torch.nn.functional.cross_entropy(torch.func.functional_call(model, dict(weights), X), y))


def barrier(loss: Any, one: Weights, other: Weights) -> float:
    """The largest rise of the loss above the straight line between the losses of both ends."""
    shares = np.linspace(0, 1, POINTS)
    path = np.array([loss(between(one, other, float(share))) for share in shares])
    return float((path - (1 - shares) * path[0] - shares * path[-1]).max())


def distance(one: Weights, other: Weights) -> float:
    """L2 distance of all weights."""
    return float(sum((value - other[name]).double().square().sum() for name, value in one.items()) ** 0.5)


def agreement(one: Weights, other: Weights, least: float) -> float:
    """R: how far the singular directions of both networks agree, left and right ones together."""
    total, most = 0.0, 0
    for name, value in one.items():
        if value.ndim < 2:
            continue
        ours, theirs = directions(value, least), directions(other[name], least)
        left, right = ours[0].T @ theirs[0], ours[1] @ theirs[1].T
        total, most = total + float((left * right).sum()), most + min(left.shape)
    return total / most


def directions(weight: torch.Tensor, least: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Left (columns) and right (rows) singular vectors of the singular values that are large enough."""
    left, values, right = torch.linalg.svd(weight.double(), full_matrices=False)
    kept = values >= least * values[0]
    return left[:, kept], right[kept]


def spectra_apart(one: Weights, other: Weights) -> float:
    """The largest difference of two singular values of a layer, as a share of its largest."""
    pairs = [
        [torch.linalg.svdvals(weights[name].double()) for weights in (one, other)]
        for name in one
        if one[name].ndim >= 2
    ]
    return max(float((ours - theirs).abs().max() / ours[0]) for ours, theirs in pairs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(__file__, results)

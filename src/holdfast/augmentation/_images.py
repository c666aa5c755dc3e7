"""Images in batches, and the operations that change them a little."""

from __future__ import annotations

import torch
from torch.nn import functional

MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
TONES = ("autocontrast", "equalize", "posterize", "solarize")


def as_images(inputs: torch.Tensor) -> torch.Tensor:
    """(n, ..., height, width); rows of numbers are taken as square images."""
    if inputs.ndim > 2:
        return inputs
    size = round(inputs.shape[1] ** 0.5)
    if size**2 != inputs.shape[1]:
        raise ValueError(
            f"inputs has rows of {inputs.shape[1]} numbers; expected (n, ..., height, width) or square images."
        )
    return inputs.reshape(-1, size, size)


def changed(images: torch.Tensor, severity: float) -> torch.Tensor:
    """(n, c, h, w) images between 0 and 1, each after one operation drawn for it, at a strength up to severity."""
    operation = torch.randint(len(MOVES) + len(TONES), (len(images),), device=images.device)
    level = (0.1 + (severity - 0.1) * torch.rand(len(images), device=images.device)) / 10
    moves = operation < len(MOVES)
    made = images.clone()
    if bool(moves.any()):
        made[moves] = _moved(images[moves], operation[moves], level[moves])
    for place, tone in enumerate((_autocontrast, _equalize, _posterize, _solarize), start=len(MOVES)):
        rows = operation == place
        if bool(rows.any()):
            made[rows] = tone(images[rows], level[rows, None, None, None])
    return made


def _moved(images: torch.Tensor, operation: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Rotated by up to 30 degrees, sheared by .3 or moved by a third, at level 1; bilinear, black outside."""
    level = level * (2.0 * torch.randint(2, level.shape, device=level.device) - 1)
    angle = torch.where(operation == 0, level * (torch.pi / 6), 0.0)
    cosine, sine, nothing = angle.cos(), angle.sin(), torch.zeros_like(level)
    shear, shift = 0.3 * level, 2 / 3 * level  # the grid spans two units
    top = [cosine, torch.where(operation == 1, shear, -sine), torch.where(operation == 3, shift, nothing)]
    low = [torch.where(operation == 2, shear, sine), cosine, torch.where(operation == 4, shift, nothing)]
    theta = torch.stack([torch.stack(top, dim=1), torch.stack(low, dim=1)], dim=1).to(images.dtype)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _autocontrast(images: torch.Tensor, _level: torch.Tensor) -> torch.Tensor:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, (images - low) / (high - low).clamp(min=1e-6), images)


def _equalize(images: torch.Tensor, _level: torch.Tensor) -> torch.Tensor:
    """Each value becomes the share of smaller ones, among the pixels that are not the brightest."""
    flat = (images * 255).round().flatten(2)
    below = torch.searchsorted(flat.sort(dim=2).values, flat.contiguous())
    rest = (flat < flat.amax(2, keepdim=True)).sum(2, keepdim=True)
    return torch.where(rest > 0, below / rest.clamp(min=1), images.flatten(2)).reshape(images.shape).to(images.dtype)


def _posterize(images: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Four bits a pixel, fewer at higher levels."""
    step = 2.0 ** (4 + (4 * level).floor())
    return (images * 255 / step).floor() * step / 255


def _solarize(images: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """What is brighter than a threshold is inverted."""
    return torch.where(images > 1 - level, 1 - images, images)

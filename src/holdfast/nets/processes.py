"""The processes of a distributed training: one and alone unless torch's launcher started more."""

from __future__ import annotations

from torch import distributed


def process_count() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _together() else 1


def process_rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if _together() else 0


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()

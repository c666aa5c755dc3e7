"""Which version of the text kernels to use: numpy for little text, compiled for much. Their numbers are the same."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FEW_BYTES = 6 << 20  # below, importing the compiler takes longer than it saves


def kernels(total_bytes: int) -> ModuleType:
    """`text_compiled` where there is much text and numba is installed, else `text_plain`."""
    compiled = total_bytes > FEW_BYTES and find_spec("numba") is not None
    return import_module(f"holdfast.ops.text_{'compiled' if compiled else 'plain'}")

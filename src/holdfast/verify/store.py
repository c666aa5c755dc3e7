"""Predictions of fits on disk, so that a killed repair goes on from where it was."""

from __future__ import annotations

import os
import secrets
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np


class FitStore:
    """Arrays by key, a file each that appears whole or not at all; in memory nowhere.

    `belongs` is everything that a prediction depends on: what another repair left in the folder is thrown away. Without
    a folder nothing is kept. A file that cannot be read is fitted again.

    >>> FitStore(None, {"seed": 0}).get(("SCH002.0", 1)) is None
    True
    """

    def __init__(self, folder: Path | None, belongs: Any) -> None:
        self.folder = folder
        if folder is None:
            return
        self._name = folder / blake2b(repr(belongs).encode(), digest_size=12).hexdigest()
        if folder.exists() and not self._name.exists():
            shutil.rmtree(folder)
        try:
            self._name.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise self._cannot(problem) from problem

    def get(self, key: Any) -> np.ndarray | None:
        """What was kept under the key."""
        if self.folder is None:
            return None
        try:
            return np.asarray(np.load(self._path(key), allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return None

    def put(self, key: Any, predictions: np.ndarray) -> None:
        """Keep an array under the key."""
        if self.folder is None:
            return
        aside = self._name / f".{secrets.token_hex(8)}"
        try:
            with aside.open("xb") as file:
                np.save(file, predictions)
            os.replace(aside, self._path(key))
        except OSError as problem:
            aside.unlink(missing_ok=True)
            raise self._cannot(problem) from problem

    def clear(self) -> None:
        """The repair is written: its fits have served."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, key: Any) -> Path:
        return self._name / f"{blake2b(repr(key).encode(), digest_size=12).hexdigest()}.npy"

    def _cannot(self, problem: OSError) -> OSError:
        return OSError(
            f"cannot keep fits in '{self.folder}': {problem.strerror or problem}. Make room or choose another folder; "
            "what was fitted is kept, and the same command goes on from there."
        )

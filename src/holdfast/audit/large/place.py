"""Where and how passes over all rows are made, and from how many rows on a table is not held whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from holdfast.audit.load.errors import InputError
from holdfast.engine.stage import ENGINES, Stage, Tell, Work, run_stage

WORK = ".holdfast-work"
HELD_ROWS = 1_000_000
HELD_CELLS = 20_000_000


@dataclass(frozen=True)
class Place:
    """A folder for intermediate files, the engine that does the work, and the rows held in memory (None: as fits)."""

    folder: Path
    engine: str = "local"
    workers: int | None = None
    hold_rows: int | None = None
    least: int = 0
    seed: int = 0
    tell: Tell = lambda title, done, total: None

    def held(self, columns: int) -> int:
        """Rows of a table with so many columns that are held in memory; never fewer than models use."""
        if self.hold_rows is not None:
            return max(self.hold_rows, self.least)
        return max(min(HELD_ROWS, HELD_CELLS // max(1, columns)), self.least)

    def run(
        self, name: str, work: Work, context: Any, shards: Sequence[Any], weights: Sequence[int], about: object
    ) -> list[Path]:
        """Do a stage; its pieces. `about` says all that its output depends on: another one is another folder."""
        key = blake2b(repr(about).encode("utf-8", "replace"), digest_size=8).hexdigest()
        stage = Stage(self.folder / f"{name.replace(' ', '-')}-{key}", work, context, shards, weights)
        try:
            return run_stage(stage, self.engine, self.workers, self.tell, name)
        except FileNotFoundError:
            if self.engine != "ray":
                raise
            raise InputError(
                f"a node of the cluster wrote to {self.folder}, but nothing is there: it must be a folder that all "
                "nodes see. Give one (--out FOLDER; in Python, work=)."
            ) from None


@contextmanager
def place_for(
    engine: str, workers: int | None, hold_rows: int | None, work: Any, seed: int, least: int, tell: Callable[..., None]
) -> Iterator[Place]:
    """A place whose folder is gone when all went well; one that was given is kept where not, and work goes on there."""
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}; expected one of {', '.join(ENGINES)}.")
    for name, value in (("hold_rows", hold_rows), ("workers", workers)):
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}; expected at least 1.")
    folder = Path(tempfile.mkdtemp(prefix="holdfast-")) if work is None else Path(work) / WORK
    try:
        yield Place(folder, engine, workers, hold_rows, least, seed, tell)
    except BaseException:
        if work is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)

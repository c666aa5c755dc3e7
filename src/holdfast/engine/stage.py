"""A stage: the same work on many shards, whose outputs stay on disk, so that whatever is done is never done again.

A shard's work is a generator: it yields a dictionary of arrays whenever a piece is done. Each is written as one file,
and a shard that is begun again is told how many pieces there are and what the last one holds. All workers see the same
folder (on a cluster: a shared file system). Outputs depend on the shards alone, never on the engine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.engine.store import read_arrays, write_arrays

Arrays = dict[str, np.ndarray]
Work = Callable[[Any, Any, int, Callable[[str], np.ndarray]], Iterator[Arrays]]
Tell = Callable[[str, int, int], None]
ENGINES = ("local", "processes", "ray")


@dataclass(frozen=True)
class Stage:
    """Where the pieces of a stage are, the work that makes them, what all shards share, and the shards with weights."""

    folder: Path
    work: Work
    context: Any
    shards: Sequence[Any]
    weights: Sequence[int]

    def pieces(self, shard: int) -> list[Path]:
        """The files of a shard that is done, in order."""
        return [self.piece(shard, number) for number in range(int(self._done(shard).read_text()))]

    def all_pieces(self) -> list[Path]:
        """The files of all shards, in order."""
        return [path for shard in range(len(self.shards)) for path in self.pieces(shard)]

    def is_done(self, shard: int) -> bool:
        """Whether all pieces of a shard are there."""
        if not self._done(shard).exists():
            return False
        if all(path.exists() for path in self.pieces(shard)):
            return True
        self._done(shard).unlink()  # a damaged piece was taken away
        return False

    def run_shard(self, shard: int, tell: Callable[[], None] | None = None) -> int:
        """Do what is missing of a shard; its weight."""
        if self.is_done(shard):
            return self.weights[shard]
        number = 0
        while self.piece(shard, number).exists():
            number += 1

        def last(name: str) -> np.ndarray:
            return read_arrays(self.piece(shard, number - 1), (name,))[name]

        count = number
        for arrays in self.work(self.context, self.shards[shard], number, last):
            write_arrays(self.piece(shard, count), arrays)
            count += 1
            if tell is not None:
                tell()
        partial = self.folder / f"{shard:06d}.{os.getpid()}.partial"
        partial.write_text(str(count))
        partial.replace(self._done(shard))
        return self.weights[shard]

    def piece(self, shard: int, number: int) -> Path:
        """The file of one piece."""
        return self.folder / f"{shard:06d}-{number:06d}.piece"

    def _done(self, shard: int) -> Path:
        return self.folder / f"{shard:06d}.done"


def run_stage(stage: Stage, engine: str, workers: int | None, tell: Tell, title: str) -> list[Path]:
    """Do all shards that are not done yet; the files of all pieces, in order."""
    stage.folder.mkdir(parents=True, exist_ok=True)
    total, done = sum(stage.weights), 0
    open_shards = []
    for shard in range(len(stage.shards)):
        if stage.is_done(shard):
            done += stage.weights[shard]
        else:
            open_shards.append(shard)
    tell(title, done, total)
    for weight in _workers(engine)(stage, open_shards, workers):
        done += weight
        tell(title, done, total)
    return stage.all_pieces()


def _workers(engine: str) -> Callable[[Stage, list[int], int | None], Iterator[int]]:
    if engine == "local":
        return _in_process
    if engine == "processes":
        return _processes
    if engine == "ray":
        from holdfast.engine.ray_cluster import on_ray

        return on_ray
    raise ValueError(f"no engine {engine!r}. Choose one of: {', '.join(ENGINES)}.")


def _in_process(stage: Stage, shards: list[int], workers: int | None) -> Iterator[int]:  # noqa: ARG001
    for shard in shards:
        yield stage.run_shard(shard)


def _processes(stage: Stage, shards: list[int], workers: int | None, tries: int = 3) -> Iterator[int]:
    """Local processes. Where one is killed, its shards are done again by new ones, at most three times."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    left = set(shards)
    for attempt in range(tries):
        if not left:
            return
        pool = ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn"), _begin, (stage,))
        try:
            waiting = {pool.submit(_run, shard): shard for shard in sorted(left)}
            for future in as_completed(waiting):
                weight = future.result()
                left.discard(waiting[future])
                yield weight
        except BrokenProcessPool:
            if attempt == tries - 1:
                raise RuntimeError(
                    f"a worker process was killed {tries} times (out of memory?); {len(left)} pieces of work are left. "
                    "Try fewer --workers; the same command goes on from here."
                ) from None
            time.sleep(0.1)
        finally:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


_here: list[Stage] = []  # the stage that a worker process works on, handed over once


def _begin(stage: Stage) -> None:
    """In a worker: Ctrl-C is for the parent to handle."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here[:] = [stage]


def _run(shard: int) -> int:
    return _here[0].run_shard(shard)

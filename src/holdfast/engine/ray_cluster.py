"""Shards on a Ray cluster: workers that die are replaced, and what they had done of a shard is not done again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.engine.stage import Stage

RETRIES = 5


def on_ray(stage: Stage, shards: list[int], workers: int | None) -> Iterator[int]:
    """Join the cluster that is running (the environment variable RAY_ADDRESS, or this machine's); else start one here.

    The stage's folder must be seen by every node.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ModuleNotFoundError("--engine ray needs ray: pip install 'holdfast[ray]'", name="ray") from None

    if not ray.is_initialized():
        try:
            ray.init(address="auto", log_to_driver=False)
        except ConnectionError:
            ray.init(log_to_driver=False, include_dashboard=False, num_cpus=workers)
    run = ray.remote(max_retries=RETRIES, num_cpus=1)(_run)
    shared = ray.put(stage)
    waiting, left = [], iter(shards)
    limit = workers or max(2, 2 * int(ray.cluster_resources().get("CPU", 1)))
    while True:
        for shard in left:
            waiting.append(run.remote(shared, shard))
            if len(waiting) >= limit:
                break
        if not waiting:
            return
        ready, waiting = ray.wait(waiting, num_returns=1)
        try:
            yield from ray.get(ready)
        except ray.exceptions.RayTaskError as problem:  # what the work itself raised, without the cluster's words
            raise (problem.cause if isinstance(problem.cause, (ValueError, OSError)) else problem) from None


def _run(stage: Stage, shard: int) -> int:
    return stage.run_shard(shard)

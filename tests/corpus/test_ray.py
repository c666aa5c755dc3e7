"""`--engine ray`: two nodes on this machine, one killed half-way, the same output as one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made import corpus

from holdfast.corpus import dedup

SCRIPT = """
import sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from holdfast.corpus import dedup, sources

sources.SMALLEST = 1 << 13
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
assert len([node for node in ray.nodes() if node["Alive"]]) == 2
killed = []

def progress(stage, done, total):
    if stage == "reading" and done > total / 3 and not killed:
        cluster.remove_node(second, allow_graceful=False)
        killed.append(done / total)

dedup(sys.argv[1], sys.argv[2], engine="ray", workers=4, progress=progress)
for _ in range(120):  # the cluster takes some seconds to notice; the run may be through before
    alive = len([node for node in ray.nodes() if node["Alive"]])
    if alive == 1:
        break
    time.sleep(0.5)
Path(sys.argv[3]).write_text(f"{killed[0]:.2f} {alive}")
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.slow
def test_a_node_dies_and_the_output_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    pytest.importorskip("numba", reason="the extra corpus is not installed")
    from holdfast.corpus import sources

    source = corpus().write(tmp_path / "x.jsonl")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(source), str(tmp_path / "ray"), str(tmp_path / "told")],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    killed, alive = (tmp_path / "told").read_text().split()
    assert 0.3 < float(killed) < 0.8 and alive == "1"
    monkeypatch.setattr(sources, "SMALLEST", 1 << 13)
    dedup(source, tmp_path / "one")
    for name in ("data/x.jsonl", "removed/x.jsonl", "provenance.jsonl", "manifest.json", "summary.json"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()

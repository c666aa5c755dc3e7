"""`--engine ray` on tables: two nodes on this machine, one killed half-way, the record of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import holdfast
from holdfast.audit.large import keys, shards

SCRIPT = """
import json, sys, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
import holdfast
from holdfast.audit.large import keys, shards
from holdfast.audit.load import InputError

shards.ROWS, keys.TOGETHER = 1000, 3000
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
assert len([node for node in ray.nodes() if node["Alive"]]) == 2
data, killed = Path(sys.argv[1]), []
given = {"target": "y", "quick": True, "hold_rows": 2000, "max_rows": 400, "engine": "ray", "workers": 4}

def progress(stage, done, total):
    if stage == "scanning" and done > total / 3 and not killed:
        cluster.remove_node(second, allow_graceful=False)
        killed.append(done / total)

sets, only = (data / "train", data / "test"), ["SCH002", "DUP001"]
audit = holdfast.audit(*sets, only=only, work=data / "a", progress=progress, **given)
for _ in range(120):  # the cluster takes some seconds to notice; the run may be through before
    alive = len([node for node in ray.nodes() if node["Alive"]])
    if alive == 1:
        break
    time.sleep(0.5)
estimate = holdfast.estimate(*sets, chunk=5000, folds=2, work=data / "e", **given)
part = data / "test" / "1.parquet"
whole = part.read_bytes()
part.write_bytes(whole[:4] + bytes(200) + whole[204:])
try:
    holdfast.audit(data / "test", work=data / "b", **given)
except InputError as problem:
    said = str(problem)
Path(sys.argv[2]).write_text(json.dumps([killed[0], alive, audit.to_dict(), estimate.to_dict(), said]))
ray.shutdown()
cluster.shutdown()
"""


def plain(record: dict[str, Any]) -> dict[str, Any]:
    findings = [{**finding, "seconds": 0} for finding in record.get("findings", [])]
    return json.loads(json.dumps({**record, "findings": findings, "timings": 0, "created": 0}))


@pytest.mark.slow
def test_a_node_dies_and_the_record_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    rng, n = np.random.default_rng(0), 12_000
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        x = rng.normal(size=n)
        frame = pl.DataFrame({"x": x, "z": rng.normal(size=n), "y": np.where(x + rng.normal(size=n) > 0, "a", "b")})
        frame = pl.concat([frame, frame[:400]])
        for part in range(2):
            frame[part * 6000 : (part + 1) * 6000 + 400 * part].write_parquet(tmp_path / name / f"{part}.parquet")
    monkeypatch.setattr(shards, "ROWS", 3000)  # cut in another way as well
    monkeypatch.setattr(keys, "TOGETHER", 30_000)
    given: dict[str, Any] = {"target": "y", "quick": True, "hold_rows": 2000, "max_rows": 400}
    audit = holdfast.audit(tmp_path / "train", tmp_path / "test", only=["SCH002", "DUP001"], **given)
    estimate = holdfast.estimate(tmp_path / "train", tmp_path / "test", chunk=5000, folds=2, **given)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(tmp_path / "told")],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    killed, alive, audited, estimated, said = json.loads((tmp_path / "told").read_text())
    assert 0.3 < killed < 0.9 and alive == 1
    assert audited["digest"] == audit.to_dict()["digest"] and plain(audited) == plain(audit.to_dict())
    assert plain(estimated) == plain(estimate.to_dict())
    assert "1.parquet cannot be read as parquet between its rows" in said and "RayTaskError" not in said
    assert not any((tmp_path / name / ".holdfast-work").exists() for name in ("a", "e"))

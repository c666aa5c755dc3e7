"""Set before numpy and scikit-learn load: on two shared cores, threads that wait for each other cost minutes."""

import os

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("HOLDFAST_DEVICE", "cpu")  # test_device.py names the device itself


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share what they made (trained networks, worlds) run in one process: laws by family, others by file
    (scripts of `reproduce/` alone).

    Here, and not where collected items are modified: xdist may read the groups there before this file is asked.
    """
    name = item.nodeid.partition("[")[2]
    group = name.partition(".")[0] if "test_laws.py" in item.nodeid else item.nodeid.partition("::")[0]
    if "test_rerun_gives_the_record" in item.nodeid:
        group = name  # scripts share nothing, and some take long
    item.add_marker(pytest.mark.xdist_group(group))

"""Groups of texts that tests of mixing share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from holdfast.datasets.corpora import real_documents


@pytest.fixture(scope="session")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """English, and sums of two numbers: what helps with one does not help with the other."""
    folder, rng = tmp_path_factory.mktemp("groups"), np.random.default_rng(0)
    english = [text[:1500] for text in real_documents()[:60]]
    sums = [" ".join(f"{a} + {b} = {a + b};" for a, b in rng.integers(0, 50, (60, 2))) for _ in range(60)]
    for name, texts in (("english", english), ("sums", sums)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return {name: folder / f"{name}.jsonl" for name in ("english", "sums")}

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

OLD = Path(__file__).parent / "old"


@pytest.fixture
def record() -> dict[str, Any]:
    """The heart disease audit, a fresh copy each time."""
    return json.loads((OLD / "sample-1.json").read_text(encoding="utf-8"))

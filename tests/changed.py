"""What `make check` tests: run pytest on what changed since the last commit (everything, where the core changed)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Families run their own tests, doctests and laws; a change below them runs every test."""
    lines = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.splitlines()
    parts = {Path(line[3:]).parts for line in lines}
    touched = {part[2] for part in parts if part[:2] == ("src", "holdfast") and len(part) > 2}
    families = {name for name in touched if (ROOT / f"tests/families/test_{name}.py").exists()}
    tests = ["/".join(part) for part in parts if part[:1] == ("tests",) and part[-1].startswith("test_")]
    for name in touched:
        if name in families:
            tests += [f"tests/families/test_{name}.py", f"src/holdfast/{name}", "tests/contract"]
        elif (ROOT / "tests" / name).is_dir():
            tests += [f"tests/{name}", f"src/holdfast/{name}"]
        else:
            tests, families = ["tests", "src"], set()
            break
    environment = {**os.environ, "HOLDFAST_FAMILIES": ",".join(sorted(families))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        *sorted({*tests, "tests/contract/test_house.py"}),
    ]
    print(" ".join(command[1:]))
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

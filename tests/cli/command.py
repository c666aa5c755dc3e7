"""The command `holdfast` inside this process: what a shell would see, without a second of imports a call."""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from holdfast.cli import main


def holdfast(*arguments: object, cwd: Path | None = None, columns: int = 120) -> CompletedProcess[str]:
    """Run the command; exit code, standard output and standard error as of a process of its own."""
    said, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    words = ["holdfast", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(errors):
        patch.setattr(sys, "argv", words)
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("NO_COLOR", "1")
        patch.chdir(cwd or Path.cwd())
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # a process would print them
            code = _code()
    return CompletedProcess(words, code, *(_text(stream) for stream in (said, errors)))


def _code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _text(stream: io.TextIOWrapper) -> str:
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]

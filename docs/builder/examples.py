"""Run the examples of a page: every block marked `python run` is executed and what it prints stands below it."""

from __future__ import annotations

import os
import re
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

SWIG = ".*(SwigPy|swigvarlink|builtin type).*"  # said by faiss when it is imported
BLOCK = re.compile(r"^```python run\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


class BrokenExampleError(Exception):
    """An example does not run; the message names the page and the line of the example."""


def execute(page: str, text: str) -> str:
    """The text with the output of its examples. They share one namespace and an empty folder that is thrown away."""
    if not BLOCK.search(text):
        return text
    names: dict[str, Any] = {"__name__": "__main__"}
    with _folder():
        return BLOCK.sub(lambda found: _with_output(page, found[1], names), text)


def _with_output(page: str, code: str, names: dict[str, Any]) -> str:
    printed = StringIO()
    try:
        with redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings(
                "ignore", category=DeprecationWarning, message=".*(SwigPy|swigvarlink|builtin type).*"
            )
            exec(compile(code, f"{page} (example)", "exec"), names)
    except Exception:
        raise BrokenExampleError(
            f"{page}: an example does not run.\n{code}\n{traceback.format_exc(limit=-2)}"
        ) from None
    block = f"```python\n{code}```\n"
    return block if not printed.getvalue() else f"{block}\n```output\n{printed.getvalue().rstrip()}\n```\n"


@contextmanager
def _folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)

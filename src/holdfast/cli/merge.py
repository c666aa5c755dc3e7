"""`holdfast merge`."""

from __future__ import annotations

import time
from pathlib import Path

from holdfast.cli import fail, interrupted


def run(recipe: Path, out: Path | None, force: bool) -> None:
    """Merge what a recipe says, and say what was written."""
    import holdfast
    from holdfast.merge.recipe import read_recipe

    started = time.process_time()
    try:
        given = read_recipe(recipe)
        target = out or given["out"]
        if target.exists() and not force:
            fail(f"{target} exists already. Give another --out, or --force to replace it.")
        made = holdfast.merge(**{**given, "out": target})
    except ModuleNotFoundError as problem:
        fail(f"merging needs {problem.name}: pip install 'holdfast[torch]'")
    except (ValueError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted("Nothing was written.")
    settings = ", ".join(f"{name}={value!r}" for name, value in made.method.get_params().items())
    print(f"{target}: {len(made.model)} tensors by {type(made.method).__name__}({settings}) of {len(given['models'])} "
          f"models, in {time.process_time() - started:.1f} CPU seconds.")  # fmt: skip

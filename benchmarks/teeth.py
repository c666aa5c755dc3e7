"""Teeth: plant a bug in every method and count how many the doctests, laws and family tests catch.

The mutants are a standing set, derived from the syntax trees: in every method's file the first place where each kind
of mistake can be made, one kind a file in turn, so that all kinds and all files are covered. Run with `make teeth`;
`--file ood/mahalanobis.py` tries every mutant of one file. Exits with 1 when fewer than 95 % are caught.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "holdfast"
LEAST = 0.95
SECONDS = 300
FLAGS = "doctest_optionflags=NORMALIZE_WHITESPACE ELLIPSIS"
# Mutants that change nothing a user could see, each with the reason. They are not counted.
EQUIVALENT: dict[str, str] = {
    "labels/planted_choice.py: swapped sign, line 74": "another stream of the same random numbers",
    "slices/weak_slices.py: off by one, line 69": "one row more in the searching half of an odd number of rows",
    "weighting/logistic_ratio.py: swapped sign, line 57": "how many threads fit, not what they fit",
    "weighting/kernel_mean_matching.py: swapped function, line 54": "the slack of a sum that is scaled to mean 1 after",
}


class Mutant(NamedTuple):
    """A file of the package (relative), what was done where, and the mutated source."""

    path: str
    what: str
    source: str


# --- kinds of mistakes: each takes a node and returns its wrong twin, or None ----------------------------------------
def _swapped_sign(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        return ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right)
    return None


def _lost_normalisation(node: ast.AST) -> ast.AST | None:
    return node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None


def _swapped_product(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return ast.BinOp(node.left, ast.Div(), node.right)
    return None


def _turned_comparison(node: ast.AST) -> ast.AST | None:
    twins: dict[type, ast.cmpop] = {ast.Lt: ast.Gt(), ast.Gt: ast.Lt(), ast.LtE: ast.GtE(), ast.GtE: ast.LtE()}
    if isinstance(node, ast.Compare) and type(node.ops[0]) in twins:
        return ast.Compare(node.left, [twins[type(node.ops[0])], *node.ops[1:]], node.comparators)
    return None


def _wrong_axis(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant):
        return ast.keyword("axis", ast.Constant({0: 1, 1: 0, -1: 0, 2: 1}.get(node.value.value, 0)))
    return None


def _swapped_function(node: ast.AST) -> ast.AST | None:
    twins = {
        "max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax", "mean": "sum", "maximum": "minimum",
        "minimum": "maximum", "median": "max", "sort": "asarray", "cumsum": "asarray", "std": "var", "sqrt": "abs",
    }  # fmt: skip
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in twins:
        of_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
        if twins[node.func.attr] in ("asarray", "abs") and not of_numpy:
            return None
        return ast.Call(ast.Attribute(node.func.value, twins[node.func.attr], ast.Load()), node.args, node.keywords)
    return None


def _off_by_one(node: ast.AST) -> ast.AST | None:
    number = node.right if isinstance(node, ast.BinOp) else None
    if isinstance(number, ast.Constant) and number.value == 1 and isinstance(number.value, int):
        assert isinstance(node, ast.BinOp)
        return ast.BinOp(node.left, node.op, ast.Constant(2))
    return None


KINDS: tuple[Callable[[ast.AST], ast.AST | None], ...] = (
    _swapped_sign,
    _lost_normalisation,
    _turned_comparison,
    _swapped_function,
    _swapped_product,
    _wrong_axis,
    _off_by_one,
)


class _Once(ast.NodeTransformer):
    """Applies one kind of mistake at its n-th opportunity inside functions."""

    def __init__(self, kind: Callable[[ast.AST], ast.AST | None], skip: int) -> None:
        self.kind, self.skip, self.line, self.inside = kind, skip, 0, False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        before, self.inside = self.inside, True
        node.body = [self.visit(part) for part in node.body]  # signatures and decorators stay
        self.inside = before
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return node  # the wording of a message is no mathematics

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if self.inside and not self.line and (twin := self.kind(node)) is not None:
            if self.skip == 0:
                self.line = getattr(node, "lineno", getattr(getattr(node, "value", None), "lineno", 1))
                return ast.copy_location(twin, node)
            self.skip -= 1
        return super().generic_visit(node)


def mutants_of(path: Path, most: int = 8) -> Iterator[Mutant]:
    """Every mutant of a file: all kinds, the first opportunities of each."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for kind in KINDS:
        for skip in range(most):
            once = _Once(kind, skip)
            wrong = once.visit(copy.deepcopy(tree))
            if not once.line:
                break
            what = f"{kind.__name__.strip('_').replace('_', ' ')}, line {once.line}"
            yield Mutant(str(path.relative_to(PACKAGE)), what, ast.unparse(ast.fix_missing_locations(wrong)))


def standing_set() -> list[Mutant]:
    """One mutant a method, the kinds taken in turn; a file without an opportunity for its kind gets the next kind."""
    from holdfast.lazy import FAMILIES

    files = [path for family in FAMILIES if family != "faults" for path in sorted((PACKAGE / family).glob("[!_]*.py"))]
    chosen = []
    for place, path in enumerate(files):
        first: dict[str, Mutant] = {}
        for mutant in mutants_of(path, most=1):
            first.setdefault(mutant.what.split(",")[0], mutant)
        kinds = [kind.__name__.strip("_").replace("_", " ") for kind in KINDS]
        turn = [kinds[(place + step) % len(kinds)] for step in range(len(kinds))]
        available = [first[kind] for kind in turn if kind in first]
        chosen += available[:1]
    return chosen


def caught_by(mutant: Mutant) -> str:
    """Which tests fail on the mutant: doctest, laws or family; empty where none does."""
    family, name = mutant.path.split("/")
    stem = name.removesuffix(".py")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder) / "holdfast", ignore=shutil.ignore_patterns("__pycache__"))
        target = Path(folder) / "holdfast" / mutant.path
        target.write_text(mutant.source, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        stages = {
            "doctest": [str(target), "--rootdir", folder, "--doctest-modules", "-o", FLAGS],
            "laws": ["tests/contract/test_laws.py", "-k", f"{family}.{stem.replace('_', '')}-".lower()],
            "family": [f"tests/families/test_{family}.py"],
        }
        for stage, arguments in stages.items():
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                *arguments,
            ]
            try:
                done = subprocess.run(
                    command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
                )
            except subprocess.TimeoutExpired:
                return f"{stage} (never ends)"
            if done.returncode not in (0, 5):
                return stage
    return ""


def main() -> int:
    """Run the standing set, print the survivors, write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", help="every mutant of one file, such as ood/mahalanobis.py")
    parser.add_argument("--write", action="store_true", help="write benchmarks/records/teeth.json")
    arguments = parser.parse_args()
    mutants = list(mutants_of(PACKAGE / arguments.file)) if arguments.file else standing_set()
    mutants = [mutant for mutant in mutants if f"{mutant.path}: {mutant.what}" not in EQUIVALENT]
    with ThreadPoolExecutor(2) as pool:
        caught = []
        for mutant, stage in zip(mutants, pool.map(caught_by, mutants), strict=True):
            print(f"{stage or 'SURVIVED':10}  {mutant.path}: {mutant.what}", flush=True)
            caught.append(stage)
    share = sum(map(bool, caught)) / len(mutants)
    print(
        f"\n{sum(map(bool, caught))} of {len(mutants)} planted bugs caught ({share:.1%}); at least {LEAST:.0%} wanted."
    )
    if arguments.write:
        record = {
            "mutants": len(mutants),
            "caught": sum(map(bool, caught)),
            "survivors": [f"{m.path}: {m.what}" for m, stage in zip(mutants, caught, strict=True) if not stage],
            "equivalent": EQUIVALENT,
        }
        (ROOT / "benchmarks" / "records" / "teeth.json").write_text(json.dumps(record, indent=2) + "\n")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())

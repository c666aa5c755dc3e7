"""The verb `scaling`: a scaling law through finished runs, the next run's value, and how far to trust it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load import InputError
from holdfast.core import Estimate
from holdfast.ops.curves import Law, best_fit, fitting_laws, grid_forecast, likely
from holdfast.report.tables import Tables, shown
from holdfast.scaling.columns import find_column, numbers, read_runs, shares, usable

WORDS = {
    "loss": ("loss", "val_loss", "validation_loss", "test_loss", "eval_loss", "cross_entropy", "nll"),
    "error": ("error", "err", "test_error", "error_rate", "top1_err", "mae", "rmse"),
    "accuracy": ("accuracy", "acc", "test_accuracy", "top1", "acc1", "score"),
    "parameters": ("parameters", "params", "n_params", "num_params", "model_size", "param_count", "model_size_b", "n"),
    "tokens": ("tokens", "n_tokens", "training_tokens", "train_tokens", "pretraining_data_size_t", "d"),
    "compute": ("compute", "flops", "flop", "training_flop", "training_flops", "train_flops", "flops_1e21", "c"),
    "size": ("size", "sizes", "train_size", "n_train", "samples", "n_samples", "examples", "rows", "training_size"),
}
LEAST = 4
LEAST_DRAWS = 200
MOST = 2000  # runs: memory is linear in them, times the shapes that are tried
DRAWN = 300  # runs of each drawn table at most; the noise shrinks as more runs would shrink it
APART = 4.0  # robust standard deviations from the law at which a run is an outlier
MOST_APART = 0.1  # share of the runs that may be
FREE = 12  # runs from which the exponents of parameters and tokens are told apart


def scaling(
    runs: Any,
    *,
    value: str | None = None,
    sizes: dict[str, str] | None = None,
    at: dict[str, float] | None = None,
    outliers: bool = False,
    draws: int = LEAST_DRAWS,
    seed: int = 0,
) -> Tables:
    """Fit a scaling law to a table of runs (a row each) and predict the next one.

    `value` names the column of losses, errors or accuracies (an accuracy is turned into an error); `sizes` says which
    columns grow, as {"parameters": column, "tokens": column} or one of "size", "compute"; both are guessed from the
    names where they are not given. `at` is the run asked for, {"parameters": 7e9, ...}; twice the largest unless given.
    The 90 % interval is of the expected value. Its coverage is measured: `draws` tables (at least 200) are drawn from
    the fitted law with the residual noise and fitted again; where fewer than 90 % of the intervals hold the law, the
    interval is widened until they do. The largest run is also predicted from the others, which is the honest test. Runs
    more than four robust standard deviations off the law (at most a tenth) are left out, and named, unless `outliers`.

    >>> N = 10.0 ** np.arange(2, 8)
    >>> found = scaling({"size": N, "error": 0.1 + 2 * N**-0.5 * (1 + 0.01 * (-1.0) ** np.arange(6))})
    >>> round(found["prediction"]["value"], 3), found["coverage"]["draws"]
    (0.101, 200)
    """
    if draws < LEAST_DRAWS:
        raise InputError(f"draws is {draws}; coverage is measured over at least {LEAST_DRAWS}.")
    frame = read_runs(runs)
    seen, name, notes = _value(frame, value)
    columns, sized = _sizes(frame, sizes or {}, taken=name)
    notes += sized
    keep, left = usable({name: seen, **columns}, LEAST, positive=[name, *columns])
    seen, columns = seen[keep], {key: column[keep] for key, column in columns.items()}
    if len(seen) > MOST:
        raise InputError(f"the table holds {len(seen):,} runs; expected at most {MOST:,}. Average repeated runs first.")
    places = _places(columns, at or {})
    for key, column in columns.items():
        if len(np.unique(column)) < 3 - (len(columns) > 1):
            raise InputError(f"{key} has {len(np.unique(column))} different value(s) in the runs; a law needs more.")
    tied = len(columns) == 1 or len(seen) < FREE
    if not outliers:
        near, said = _inliers(columns, seen, tied, np.flatnonzero(keep))
        seen, columns, notes = seen[near], {key: column[near] for key, column in columns.items()}, notes + said
    law = fitting_laws(list(columns.values()), list(places.values()), seen, tied)
    found = grid_forecast(law.columns, law.at, seen, law.prior)
    truth, constants, held, widened = _measured(law, list(columns), seen, draws, seed)
    wide = _widened(found, widened)
    record = {
        "schema": "holdfast/scaling/1",
        "verdict": _verdict(name, places, wide, held, draws),
        "value": name,
        "law": _formula(list(columns), tied),
        "runs": len(seen),
        "at": places,
        "prediction": _plain(wide),
        "best_fit": truth,
        "constants": {key: _plain(constant) for key, constant in constants.items()},
        "coverage": {"draws": draws, "held": held, "share": held / draws, "widened": widened},
        "held_out": _held_out(columns, seen, tied),
    }
    if len(seen) > DRAWN:
        notes.append(f"Coverage was measured on tables of {DRAWN} of the {len(seen)} runs, with less noise to make up.")
    return Tables({**record, "tables": _tables(record), "notes": [*notes, *left]})


def _value(frame: pl.DataFrame, given: str | None) -> tuple[np.ndarray, str, list[str]]:
    """The column to predict, its name and what was assumed."""
    kinds = ("loss", "error", "accuracy")
    name = given and find_column(frame, given, (), "--value")
    name = name or next((c for kind in kinds if (c := find_column(frame, None, WORDS[kind], ""))), None)
    if name is None:
        raise InputError(
            f"no column of losses, errors or accuracies was found; name it with --value. The table has: "
            f"{', '.join(frame.columns[:20])}."
        )
    values = numbers(frame, name)
    if not _named_like(name, "accuracy"):
        return values, name, [] if given else [f"Value: column {name!r}."]
    values, notes = shares(values, name)
    return 1 - values, f"1 - {name}", [*notes, f"Value: one minus column {name!r}."]


def _named_like(name: str, kind: str) -> bool:
    return find_column(pl.DataFrame({name: [0]}), None, WORDS[kind], "") is not None


def _sizes(frame: pl.DataFrame, given: dict[str, str], taken: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """What grows: parameters and tokens where both are there (tokens also from compute), else one size."""
    unknown = set(given) - {"parameters", "tokens", "compute", "size"}
    if unknown:
        raise InputError(f"sizes names {sorted(unknown)[0]!r}; expected parameters, tokens, compute or size.")
    kinds = tuple(given) or ("parameters", "tokens", "compute", "size")
    names = {kind: find_column(frame, given.get(kind), WORDS[kind], f"--{kind}") for kind in kinds}
    found = {kind: name for kind, name in names.items() if name is not None and name != taken}
    if not found:
        raise InputError(
            "no column of sizes was found; name it with --size, --compute or --parameters and --tokens. The table has: "
            f"{', '.join(frame.columns[:20])}."
        )
    columns = {kind: numbers(frame, name) for kind, name in found.items()}
    notes = [f"Sizes: {', '.join(f'{kind} from column {name!r}' for kind, name in found.items())}."]
    if {"parameters", "tokens"} <= columns.keys():
        return {kind: columns[kind] for kind in ("parameters", "tokens")}, notes
    if {"parameters", "compute"} <= columns.keys():
        with np.errstate(divide="ignore", invalid="ignore"):
            tokens = columns["compute"] / (6 * columns["parameters"])
        return {"parameters": columns["parameters"], "tokens": tokens}, [*notes, "Tokens: compute / (6 parameters)."]
    first = next(kind for kind in ("size", "compute", "tokens", "parameters") if kind in columns)
    return {first: columns[first]}, notes


def _places(columns: dict[str, np.ndarray], at: dict[str, float]) -> dict[str, float]:
    unknown = set(at) - set(columns)
    if unknown:
        raise InputError(f"--at {sorted(unknown)[0]}: this law is in {' and '.join(columns)}.")
    places = {key: float(at.get(key, 2 * column.max())) for key, column in columns.items()}
    for key, place in places.items():
        if not (np.isfinite(place) and place > 0):
            raise InputError(f"--at {key}={place:g}: expected a number above zero.")
    return places


def _inliers(
    columns: dict[str, np.ndarray], seen: np.ndarray, tied: bool, rows: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """The runs near the law that is fitted to them, and a note on the others."""
    keep = np.ones(len(seen), dtype=bool)
    for _ in range(20):
        law = fitting_laws([size[keep] for size in columns.values()], [1.0] * len(columns), seen[keep], tied)
        shape, coefficients, _ = best_fit(law.columns, seen[keep], law.prior)
        apart = np.abs(1 - _at(law, shape, coefficients, list(columns.values())) / seen)
        near = apart <= max(APART * 1.4826 * float(np.median(apart[keep])), 1e-6)
        if (near == keep).all():
            break
        if (~near).sum() > max(MOST_APART * len(seen), 0):
            break
        keep = near
    if keep.all() or keep.sum() < LEAST:
        return np.ones(len(seen), dtype=bool), []
    named = ", ".join(str(row + 1) for row in rows[~keep][:10])
    return keep, [f"{int((~keep).sum())} runs far off the law were left out (rows {named}); keep them with --outliers."]


def _at(law: Law, shape: int, coefficients: np.ndarray, sizes: list[np.ndarray]) -> np.ndarray:
    """What one shape of the law says at any sizes."""
    parts = zip(sizes, law.units, law.exponents[shape], coefficients[1:], strict=True)
    return coefficients[0] + sum(factor * (size / unit) ** -power for size, unit, power, factor in parts)


def _measured(
    law: Law, names: list[str], seen: np.ndarray, draws: int, seed: int
) -> tuple[float, dict[str, Estimate], int, float]:
    """The best fit's value, its constants with the spread over drawn tables, intervals that held, and the widening."""
    shape, coefficients, scale = best_fit(law.columns, seen, law.prior)
    fitted, truth = law.columns[shape] @ coefficients, float(law.at[shape] @ coefficients)
    rng = np.random.default_rng(seed)
    scale, law = max(scale, 1e-9), likely(law, seen)
    middle = _constants(law, *best_fit(law.columns, seen, law.prior)[:2])
    if len(seen) > DRAWN:
        rows = np.sort(rng.choice(len(seen), DRAWN, replace=False))
        scale *= (DRAWN / len(seen)) ** 0.5
        law, fitted = law._replace(columns=law.columns[:, rows]), fitted[rows]
    drawn, needed, held = [], [], 0
    for _ in range(draws):
        values = fitted * np.exp(rng.normal(0, scale, len(fitted)))
        again = grid_forecast(law.columns, law.at, values, law.prior)
        held += again.low <= truth <= again.high
        side = again.high - again.value if truth > again.value else again.value - again.low
        needed.append(abs(truth - again.value) / max(side, 1e-12 * abs(truth), 1e-300))
        other, constants, _ = best_fit(law.columns, values, law.prior)
        drawn.append(_constants(law, other, constants))
    low, high = np.quantile(np.array(drawn), [0.05, 0.95], axis=0)
    keys = ["E", *(f"{part}_{name}" for name in names for part in ("A", "alpha"))]
    spread = {
        key: Estimate(v, min(a, v), max(b, v), len(seen)) for key, v, a, b in zip(keys, middle, low, high, strict=True)
    }
    return truth, spread, int(held), max(1.0, float(np.quantile(needed, 0.9)))


def _constants(law: Law, shape: int, coefficients: np.ndarray) -> list[float]:
    """E, then A and alpha of every size, in the units of the table."""
    flat = [float(coefficients[0])]
    for place, unit in enumerate(law.units):
        alpha = float(law.exponents[shape, place])
        flat += [float(coefficients[place + 1]) * unit**alpha, alpha]
    return flat


def _widened(found: Estimate, factor: float) -> Estimate:
    low, high = (found.value + factor * (end - found.value) for end in (found.low, found.high))
    return found._replace(low=max(low, 0.0), high=high)


def _held_out(columns: dict[str, np.ndarray], seen: np.ndarray, tied: bool) -> dict[str, Any] | None:
    """The largest run, predicted from the others; None where too few are left."""
    largest = int(np.argmax(np.sum([np.log(column) for column in columns.values()], axis=0)))
    rest = np.arange(len(seen)) != largest
    if rest.sum() < LEAST or any(len(np.unique(column[rest])) < 2 for column in columns.values()):
        return None
    places = [float(column[largest]) for column in columns.values()]
    law = fitting_laws([column[rest] for column in columns.values()], places, seen[rest], tied)
    return {
        "at": dict(zip(columns, places, strict=True)),
        "seen": float(seen[largest]),
        "predicted": _plain(grid_forecast(law.columns, law.at, seen[rest], law.prior)),
    }


def _plain(found: Estimate) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _formula(names: list[str], tied: bool) -> str:
    terms = " + ".join(f"A_{name} * {name}^-alpha_{name}" for name in names)
    return f"E + {terms}" + (", one alpha for both" if tied and len(names) > 1 else "")


def _verdict(name: str, places: dict[str, float], found: Estimate, held: int, draws: int) -> str:
    where = " and ".join(f"{key} {shown(place)}" for key, place in places.items())
    return (
        f"At {where}, {name} is expected to be {found.value:.4g}, between {found.low:.4g} and {found.high:.4g} "
        f"(90 % interval; such intervals held the law in {held} of {draws} tables drawn from it)."
    )


def _tables(record: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [[key, constant] for key, constant in record["constants"].items()]
    tables = [{"title": f"{record['value']} = {record['law']}", "head": ["constant", "value [90 %]"], "rows": rows}]
    coverage = record["coverage"]
    facts: list[list[Any]] = [
        ["the run asked for", record["prediction"], None],
        ["widened, so that 90 % hold", round(coverage["widened"], 3), None],
    ]
    if record["held_out"]:
        facts.append(["largest run, from the others", record["held_out"]["predicted"], record["held_out"]["seen"]])
    return [*tables, {"title": "Predictions", "head": ["what", "predicted [90 %]", "seen"], "rows": facts}]

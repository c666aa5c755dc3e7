"""The commands and their options. Bodies import what they need, so that `--help` is instant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import holdfast
from holdfast.cli.corpus import app as corpus

app = typer.Typer(
    name="holdfast",
    help="Will what was learnt on this data hold on that data? What is wrong, what does it cost, which repair pays?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(corpus, name="corpus")

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for report.html and report.json.")]
Target = Annotated[str | None, typer.Option("--target", "-t", help="The column to be predicted.")]
Task = Annotated[str | None, typer.Option(help="binary, multiclass or regression, where the guess is wrong.")]
Groups = Annotated[
    list[str] | None, typer.Option(help="A column whose values are groups or entities. May be repeated.")
]
Roles = Annotated[list[str] | None, typer.Option(help="COLUMN=ROLE, as in audit. May be repeated.")]
Seed = Annotated[int, typer.Option(help="Seed of every random choice: the same seed gives the same report.")]
Quick = Annotated[bool, typer.Option("--quick", help="Do not price findings nor measure the power of all-clears.")]


HoldRows = Annotated[
    int | None,
    typer.Option(help="Rows of a Parquet table held in memory; all are counted. A million (20 million cells) if more."),
]
Engine = Annotated[
    str, typer.Option(help="Who passes over such a table: local (this process), processes, or ray (a cluster).")
]
Workers = Annotated[int | None, typer.Option(help="Processes or tasks at a time; as many as cores.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"holdfast {holdfast.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def audit(
    train: Annotated[
        str,
        typer.Argument(
            help="Training data: CSV, TSV, Parquet (also a folder of files), Arrow or JSON Lines, also gz or zst."
        ),
    ],
    test: Annotated[str | None, typer.Argument(help="The data the model meets. It may have no labels.")] = None,
    target: Target = None,
    out: Out = Path("holdfast-report"),
    metric: Annotated[
        str | None, typer.Option(help="accuracy, balanced_accuracy, auroc, f1, log_loss, brier; r2, mae, rmse.")
    ] = None,
    task: Task = None,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN=ROLE: target, id, group, time, text, image, weight, feature, ignored. May be repeated."
        ),
    ] = None,
    group: Groups = None,
    proba: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of the test set with your model's probabilities, one per class in sorted order. May be "
            "repeated."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A fitted model: .skops (scikit-learn) or .onnx. Pickles are refused: loading one runs its code."
        ),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only these checks, by code. May be repeated.")] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="CODE=REASON: leave out a check; the report shows the reason. May be repeated."),
    ] = None,
    seed: Seed = 0,
    repeats: Annotated[int, typer.Option(help="Refits per price: more make intervals narrower.")] = 5,
    max_rows: Annotated[
        int, typer.Option(help="Rows that models are fitted on at most; the report says when it bites.")
    ] = 50_000,
    hold_rows: HoldRows = None,
    engine: Engine = "local",
    workers: Workers = None,
    quick: Quick = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            help="When to end with a failing exit code: a price (0.01: a remedy surely gains more; exit 3) or the code "
            "of a check that finds its fault (LAB001; exit 4). What cannot be judged exits 5. May be repeated."
        ),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="profile.json of holdfast bench: use the methods that planting chose there.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps the power of all-clears for the next audit of the same data."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the checks as JUnit XML to this file.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0 to this file.")] = None,
) -> None:
    """Find what is wrong with two data sets and between them, price every finding, and write a report."""
    from holdfast.cli.audit import run

    run(
        train, test, target=target, out=out, metric=metric, task=task, roles=role or [], groups=group or [],
        proba=proba or [], model=model, only=only or [], ignore=ignore or [], seed=seed, repeats=repeats,
        max_rows=max_rows, hold_rows=hold_rows, engine=engine, workers=workers, quick=quick, profile=profile,
        cache=cache,
        fail_on=fail_on or [], junit=junit, sarif=sarif,
    )  # fmt: skip


@app.command()
def estimate(
    train: Annotated[str, typer.Argument(help="Training data with labels: CSV, TSV, Parquet, Arrow or JSON Lines.")],
    production: Annotated[str, typer.Argument(help="The data the model meets; its labels, if any, are not looked at.")],
    target: Target = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for estimate.html and estimate.json.")] = Path(
        "holdfast-report"
    ),
    metric: Annotated[
        str | None, typer.Option(help="accuracy, balanced_accuracy, auroc, f1, log_loss, brier; mae, rmse.")
    ] = None,
    task: Task = None,
    time: Annotated[str | None, typer.Option(help="A column of times: an estimate for every period.")] = None,
    chunk: Annotated[
        str | None, typer.Option(help="A period (6h, 1d, 1w, 1mo, 1q, 1y) or a number of rows: the size of a chunk.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="A column by whose values the estimate is given too. May be repeated.")
    ] = None,
    role: Roles = None,
    group: Groups = None,
    proba: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of both files with your model's probabilities (out of sample in training), one per class in "
            "sorted order. May be repeated."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="A fitted .skops model, refitted on folds. Pickles are refused: loading one runs its code."),
    ] = None,
    seed: Seed = 0,
    draws: Annotated[int, typer.Option(help="Planted shifts of each kind: more tell estimators apart.")] = 6,
    max_rows: Annotated[
        int, typer.Option(help="Rows that models are fitted on at most; the page says when it bites.")
    ] = 50_000,
    hold_rows: HoldRows = None,
    engine: Engine = "local",
    workers: Workers = None,
    quick: Annotated[bool, typer.Option("--quick", help="Plant no shifts: take the default estimator.")] = False,
) -> None:
    """Estimate performance on data without labels: as a whole, over time, by group; and whom to trust here."""
    from holdfast.cli.estimate import run

    run(
        train, production, target=target, out=out, metric=metric, task=task, time=time, chunk=chunk, by=by or [],
        roles=role or [], groups=group or [], proba=proba or [], model=model, seed=seed, draws=draws,
        max_rows=max_rows, hold_rows=hold_rows, engine=engine, workers=workers, quick=quick,
    )  # fmt: skip


@app.command()
def explain(
    train: Annotated[str, typer.Argument(help="Training data with labels: CSV, TSV, Parquet, Arrow or JSON Lines.")],
    test: Annotated[str, typer.Argument(help="The data on which performance changed, with labels.")],
    target: Target = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for explain.html and explain.json.")] = Path(
        "holdfast-report"
    ),
    metric: Annotated[
        str | None, typer.Option(help="What is reported for both sets; what is divided is the mean loss.")
    ] = None,
    task: Task = None,
    column_group: Annotated[
        list[str] | None,
        typer.Option(help="NAME=COLUMN,COLUMN: columns that are one cause; all others are one more. May be repeated."),
    ] = None,
    players: Annotated[int, typer.Option(help="Columns that stand alone, 0 to 8; the rest is one cause.")] = 4,
    role: Roles = None,
    group: Groups = None,
    proba: Annotated[
        list[str] | None,
        typer.Option(help="Columns of both files with your model's probabilities, as for estimate. May be repeated."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A fitted .skops model. Pickles are refused: loading one runs its code.")
    ] = None,
    seed: Seed = 0,
    max_rows: Annotated[
        int, typer.Option(help="Rows that models are fitted on at most; the page says when it bites.")
    ] = 50_000,
) -> None:
    """Explain why performance changed between two labelled sets: by kind of shift, by column, by slice and row."""
    from holdfast.cli.explain import run

    run(
        train, test, target=target, out=out, metric=metric, task=task, column_groups=column_group or [],
        players=players, roles=role or [], groups=group or [], proba=proba or [], model=model, seed=seed,
        max_rows=max_rows,
    )  # fmt: skip


@app.command()
def demo(out: Out = Path("holdfast-report"), seed: Seed = 0, quick: Quick = False) -> None:
    """Audit the bundled heart disease data: learnt in Cleveland, used in three other hospitals."""
    from holdfast.cli.audit import run_demo

    run_demo(out, seed, quick)


@app.command()
def bench(
    family: Annotated[str, typer.Argument(help="labels, ood, shift, estimation or weighting.")],
    train: Annotated[str, typer.Argument(help="The data to plant faults in.")],
    test: Annotated[str | None, typer.Argument(help="The data the model meets: only its columns count here.")] = None,
    target: Target = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for page, record and profile.json.")] = Path(
        "holdfast-bench"
    ),
    fault: Annotated[
        list[str] | None,
        typer.Option(help="A fault to plant (holdfast methods faults) instead of the family's. May be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A method to rank (ConfidentLearning) instead of all. May be repeated.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="What costs are told in, as in audit.")] = None,
    task: Task = None,
    role: Roles = None,
    seed: Seed = 0,
    draws: Annotated[int | None, typer.Option(help="How often each fault is planted at each strength.")] = None,
    max_rows: Annotated[int, typer.Option(help="Rows used at most, drawn at random.")] = 2_000,
) -> None:
    """Rank the methods of a family on your own data, by faults planted in copies of it."""
    from holdfast.cli.bench import run

    run(
        family, train, test, target=target, out=out, faults=fault or [], only=only or [], metric=metric, task=task,
        roles=role or [], seed=seed, draws=draws, max_rows=max_rows,
    )  # fmt: skip


@app.command()
def drill(
    train: Annotated[str, typer.Argument(help="The data to plant faults in: copies, never the file.")],
    test: Annotated[
        str | None, typer.Argument(help="The data the model meets. Without it, a random third of the rows.")
    ] = None,
    target: Target = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for drill.html, drill.json and the journal to resume from.")
    ] = Path("holdfast-drill"),
    check: Annotated[list[str] | None, typer.Option(help="Drill only this check, by code. May be repeated.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="Plant only this fault (holdfast methods faults). May be repeated.")
    ] = None,
    task: Task = None,
    role: Roles = None,
    group: Groups = None,
    draws: Annotated[int, typer.Option(help="Copies planted at each strength, at most.")] = 20,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so long; the same command goes on from there.")
    ] = None,
    max_rows: Annotated[int, typer.Option(help="Rows of each set that faults are planted in at most.")] = 20_000,
    seed: Seed = 0,
) -> None:
    """Plant known faults in copies of your data: what would an audit of it miss?"""
    from holdfast.cli.drill import run

    run(
        train, test, target=target, out=out, roles=role or [], groups=group or [], faults=fault or [],
        checks=check or [], task=task, draws=draws, minutes=minutes, max_rows=max_rows, seed=seed,
    )  # fmt: skip


@app.command()
def scaling(
    runs: Annotated[str, typer.Argument(help="A table of finished runs, a row each: CSV, Parquet, JSON Lines, ...")],
    value: Annotated[
        str | None, typer.Option(help="The column of losses, errors or accuracies, where the guess is wrong.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="The column of training sizes (rows, samples).")] = None,
    parameters: Annotated[str | None, typer.Option(help="The column of parameter counts.")] = None,
    tokens: Annotated[str | None, typer.Option(help="The column of training tokens.")] = None,
    compute: Annotated[str | None, typer.Option(help="The column of training compute.")] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(help="SIZE=NUMBER: the run asked for, such as parameters=7e9. Twice the largest unless given."),
    ] = None,
    outliers: Annotated[bool, typer.Option("--outliers", help="Keep runs that lie far off the law.")] = False,
    draws: Annotated[int, typer.Option(help="Tables drawn from the law to measure the interval's coverage.")] = 200,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A JSON file for the numbers.")] = None,
    seed: Seed = 0,
) -> None:
    """Fit a scaling law to finished runs and predict the next one, with an interval whose coverage is measured."""
    from holdfast.cli.scaling import run

    run(
        runs, value=value, sizes={"size": size, "parameters": parameters, "tokens": tokens, "compute": compute},
        at=at or [], outliers=outliers, draws=draws, out=out, seed=seed,
    )  # fmt: skip


@app.command()
def compare(
    runs: Annotated[
        str,
        typer.Argument(help="A row per model with accuracies on several test sets, or a row per model and test item."),
    ],
    model: Annotated[str | None, typer.Option(help="The column with the names of models.")] = None,
    id: Annotated[
        list[str] | None, typer.Option(help="A column of accuracies on a usual test set. May be repeated.")
    ] = None,
    shift: Annotated[
        list[str] | None, typer.Option(help="A column of accuracies on a shifted test set. May be repeated.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="A column with the group of every model.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The group that the others are compared with; the largest unless given.")
    ] = None,
    item: Annotated[str | None, typer.Option(help="The column of test items, where a row is a measurement.")] = None,
    score: Annotated[str | None, typer.Option(help="The column of scores, where a row is a measurement.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A JSON file for the numbers.")] = None,
    seed: Seed = 0,
) -> None:
    """Compare models: drops and slopes between test sets, effective robustness, ranks from sparse results."""
    from holdfast.cli.compare import run

    run(
        runs, model=model, id=id or [], shift=shift or [], group=group, baseline=baseline, item=item, score=score,
        out=out, seed=seed,
    )  # fmt: skip


@app.command()
def methods(
    search: Annotated[
        str | None, typer.Argument(help="A name (ood.Mahalanobis) for its page, or words to search for.")
    ] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Which papers are done, and by what.")] = False,
) -> None:
    """What methods there are, from which paper, how to call them, where they work and where they fail."""
    from holdfast.cli.methods import run

    run(search, coverage)


@app.command()
def repair(
    report: Annotated[Path, typer.Argument(help="report.json of an audit, or its folder; with --undo, a repair's.")],
    only: Annotated[
        list[str] | None, typer.Option(help="A check (LAB001) or one of its remedies (LAB001.1). May be repeated.")
    ] = None,
    safe_only: Annotated[bool, typer.Option("--safe-only", help="Leave out remedies that invent labels.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for data, ledger and verification.")] = Path(
        "holdfast-repair"
    ),
    train: Annotated[Path | None, typer.Option(help="Where the training data are now, if they have moved.")] = None,
    test: Annotated[Path | None, typer.Option(help="Where the test data are now, if they have moved.")] = None,
    model: Annotated[Path | None, typer.Option(help="The .skops model that the audit was given.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Apply what was chosen even where it is no better.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Write the original files of a repair into --out.")] = False,
    repeats: Annotated[int, typer.Option(help="Refits per comparison, at least 3.")] = 5,
    seed: Annotated[int | None, typer.Option(help="Seed of fits and folds; the audit's if not given.")] = None,
) -> None:
    """Apply the remedies of an audit that help to copies of its data, and verify that they help."""
    from holdfast.cli.repair import run

    run(
        report, only=only or [], safe_only=safe_only, out=out, train=train, test=test, model=model, force=force,
        undo=undo, repeats=repeats, seed=seed,
    )  # fmt: skip


@app.command()
def verify(
    repair: Annotated[Path, typer.Argument(help="The folder of a repair, or its verification.json.")],
    train: Annotated[Path | None, typer.Option(help="Where the training data are now, if they have moved.")] = None,
    test: Annotated[Path | None, typer.Option(help="The test data, or another labelled test set.")] = None,
    model: Annotated[Path | None, typer.Option(help="The .skops model that the audit was given.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Refits per comparison; the repair's if not given.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the new fits.")] = None,
) -> None:
    """Judge a repair again, later or elsewhere: exit code 0 where it holds, 3 where it does not, 5 where unclear."""
    from holdfast.cli.verify import run

    run(repair, train=train, test=test, model=model, repeats=repeats, seed=seed)


@app.command()
def merge(
    recipe: Annotated[Path, typer.Argument(help="A TOML file: method, base, models, out, [settings].")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write, in place of the recipe's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Merge networks on disk (.safetensors, shards too), a piece of a tensor in memory at a time."""
    from holdfast.cli.merge import run

    run(recipe, out, force)

"""Rules of mixing tried by proxies: which mixes best here, do the intervals hold, is noise called noise?

    HOLDFAST_DATA=... python benchmarks/mix_rules.py [--seeds 25] [--write]

Four groups of real text as in proxy_mixing.py, of unequal sizes (articles 60, plays 3, posts 30, reviews 7; all of it
once), plays wanted. Every rule is trained with `--seeds` seeds as `holdfast corpus mix --rules all` does it.
`coverage`: intervals from five drawn seeds against the mean of all other seeds (which has noise of its
own: `of_an_exact_interval` says how many an exact one would hold). `told`: how often five seeds drawn
from all tell a rule apart from the natural mixture, and `false_alarms`, how often they do where every rule's mean
difference was taken away. `aioli_intervals`: how often the intervals of Aioli's proportions hold what the true law
gives, in rounds with a known law. `perturbed_only`: Aioli's rounds without its updates, below the even mixture: what
the perturbed steps alone cost. `--write` appends to records/mix_rules.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from proxy_mixing import write_groups
from scipy import stats

from holdfast.corpus import aioli_training, mix_rules, rule_report
from holdfast.corpus.proportion_rules import Amounts, Rule
from holdfast.corpus.proxy_training import Phase, Proxy, Texts, train_proxy
from holdfast.corpus.records import Fields
from holdfast.corpus.sources import find_sources
from holdfast.faults.worlds import mixing as worlds
from holdfast.mixing import Aioli

RECORD = Path(__file__).parent / "records" / "mix_rules.json"
SIZES = {"articles": 60.0, "plays": 3.0, "posts": 30.0, "reviews": 7.0}
TOKENS, FEW, DRAWS = 100_000, 5, 1000


def below(scores: dict[str, np.ndarray], what: str) -> dict[str, Any]:
    """By how much every rule is below another, over all seeds."""
    return {name: rule_report.paired(scores[what], each)._asdict() for name, each in scores.items() if name != what}


def coverage(scores: dict[str, np.ndarray]) -> dict[str, Any]:
    """Intervals from five drawn seeds, against the mean difference over the other seeds."""
    rng, found = np.random.default_rng(1), {name: [] for name in scores if name != "natural"}
    count = len(scores["natural"])
    for _ in range(DRAWS):
        few = np.isin(np.arange(count), rng.choice(count, FEW, replace=False))
        for name, held in found.items():
            said = rule_report.paired(scores["natural"][few], scores[name][few])
            true = float((scores["natural"] - scores[name])[~few].mean())
            held.append(said.low <= true <= said.high)
    by_rule = {name: float(np.mean(held)) for name, held in found.items()}
    exact = 1 - 2 * float(stats.t.sf(stats.t.ppf(0.95, FEW - 1) / (1 + FEW / (count - FEW)) ** 0.5, FEW - 1))
    return {"share": float(np.mean(list(by_rule.values()))), "by_rule": by_rule, "of_an_exact_interval": exact}


def told(losses: dict[str, np.ndarray], centred: bool) -> dict[str, Any]:
    """How often five drawn seeds tell a rule apart from the natural mixture, and which is then the best."""
    sizes = np.array([*SIZES.values()])
    given = Amounts(list(SIZES), sizes, float(sizes.sum()), sizes < 0, np.ones(len(sizes)))
    if centred:
        losses = {name: each - (each - losses["natural"]).mean(axis=0) for name, each in losses.items()}
    chosen = {name: Rule(name, [Phase(1.0, given.natural)]) for name in losses}
    rng, best = np.random.default_rng(0), dict.fromkeys(losses, 0)
    claims = 0
    for _ in range(DRAWS):
        few = rng.choice(len(losses["natural"]), FEW, replace=False)
        trials = rule_report.Trials(given, {name: each[few] for name, each in losses.items()}, [], [])
        found = rule_report.record(trials, chosen, Proxy(tokens=TOKENS))
        claims += found["told"]
        best[found["best"]] += 1
    return {"share": claims / DRAWS, "best": best}


def aioli_intervals(count: int = 400) -> dict[str, float]:
    """Coverage and width of the intervals of Aioli's proportions under known laws."""
    held, width = [], []
    for seed in range(count):
        world = worlds.short_rounds(seed)
        mixer = Aioli().fit(**world.train)
        mixer.mix_groups(sizes=world.evidence["sizes"])
        held.append(float(((mixer.low_ <= world.truth) & (world.truth <= mixer.high_)).mean()))
        width.append(float((mixer.high_ - mixer.low_).mean()))
    return {"share": float(np.mean(held)), "width": float(np.mean(width)), "laws": count}


def perturbed_only(groups: dict[str, Path], count: int = 10) -> dict[str, Any]:
    """Aioli's rounds with a rate of 0, which leaves the even mixture between them, against the even mixture."""
    settings = Proxy(tokens=TOKENS)
    texts = Texts({name: find_sources(path) for name, path in groups.items()}, settings, Fields())
    even, perturbed = [], []
    rate, aioli_training.UPDATE = aioli_training.UPDATE, 0.0
    for seed in range(1, count + 1):
        held, size = texts.groups(seed, aioli_training.STEERING), texts.pairs.size
        alike = [Phase(1.0, np.full(len(held), 1 / len(held)))]
        even.append(np.mean(list(train_proxy(held, alike, size, settings, seed).values())))
        perturbed.append(np.mean(list(aioli_training.train_steered(held, size, settings, seed)[0].values())))
    aioli_training.UPDATE = rate
    return rule_report.paired(np.array(even), np.array(perturbed))._asdict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--write", action="store_true")
    asked, started = parser.parse_args(), time.process_time()
    with tempfile.TemporaryDirectory() as place:
        groups, table = write_groups(Path(place)), Path(place) / "rules.csv"
        tried = mix_rules(
            groups, table=table, seeds=asked.seeds, sizes=SIZES, wanted=["plays"], proxy=Proxy(tokens=TOKENS)
        )
        rounds = [json.loads(row) for row in _column(table, "aioli")]
        alone = perturbed_only(groups)
    fidelity = [one["left_out_fidelity"] for some in rounds for one in some]
    losses = {name: np.array(each) for name, each in tried["losses"].items()}
    wanted = list(groups).index("plays")
    scores = {"all groups": {name: each.mean(axis=1) for name, each in losses.items()},
              "wanted": {name: each[:, wanted] for name, each in losses.items()}}  # fmt: skip
    record = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "versions": {name: version(name) for name in ("holdfast", "numpy", "torch")},
        "sizes": SIZES, "tokens": TOKENS, "seeds": asked.seeds, "verdict": tried.verdict,
        "aioli": {"steps": aioli_training.STEPS, "learning": aioli_training.LEARNING, "rate": aioli_training.UPDATE,
                  "rounds": len(rounds[0]), "left_out_fidelity": fidelity},
        "below_natural": {what: below(each, "natural") for what, each in scores.items()},
        "below_even": {what: below(each, "even") for what, each in scores.items()},
        "coverage": {what: coverage(each) for what, each in scores.items()},
        "told": told(losses, centred=False), "false_alarms": told(losses, centred=True),
        "aioli_intervals": aioli_intervals(), "perturbed_only": alone,
        "cpu_seconds": round(time.process_time() - started, 1), "losses": tried["losses"],
    }  # fmt: skip
    print(json.dumps({name: value for name, value in record.items() if name != "losses"}, indent=1))
    if asked.write:
        records = json.loads(RECORD.read_text()) if RECORD.exists() else []
        RECORD.write_text(json.dumps([*records, record], indent=1) + "\n")


def _column(table: Path, rule: str) -> list[str]:
    import polars as pl

    rows = pl.read_csv(table).filter(pl.col("rule") == rule)
    return [str(value) for value in rows["rounds"]]


if __name__ == "__main__":
    main()

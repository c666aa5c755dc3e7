"""RUL001: test rows that break rules found in training."""

from __future__ import annotations

import numpy as np

from holdfast.audit.check import Check, NotApplicable
from holdfast.audit.encode import Encoder
from holdfast.audit.evidence import proportion, without_gaps, worst_rows
from holdfast.audit.load import DataSet
from holdfast.audit.records import ColumnRecord, Finding, Price, Table
from holdfast.audit.settings import Settings
from holdfast.audit.words import count, percent
from holdfast.shift import MinedRules

LEAST_ROWS = 200
MOST_ROWS = 20_000
MOST_COLUMNS = 100  # of more, a random part is looked at
RARE = 0.01  # share of unseen training rows that break as many rules as a row must to be named
SHOWN_RULES = 10


class BrokenRules(Check):
    """Mines "where a, then b" rules on half of the training rows; the other half says how often rows break them."""

    code = "RUL001"
    title = "test rows that break rules found in training"
    methods = ("shift.MinedRules",)
    faults = ("UnitChange",)
    false_when_dealt = True

    def run(
        self, train_X: np.ndarray, test_X: np.ndarray, test_rows: np.ndarray, encoder: Encoder, test_set: DataSet,
        features: tuple[ColumnRecord, ...], settings: Settings, test_loss: np.ndarray | None = None,
    ) -> Finding:  # fmt: skip
        plain = [i for i, name in enumerate(encoder.names) if name not in encoder.parts]
        if len(train_X) < LEAST_ROWS or len(plain) < 2:
            raise NotApplicable(f"rules between columns need two columns and {LEAST_ROWS} training rows")
        if len(plain) > MOST_COLUMNS:  # rules are mined between pairs of columns
            drawn = np.random.default_rng([settings.seed, 22]).choice(plain, MOST_COLUMNS, replace=False)
            plain = sorted(int(place) for place in drawn)
        known, new = without_gaps(train_X[:, plain], test_X[:, plain])
        order = np.random.default_rng([settings.seed, 21]).permutation(len(known))[: 2 * MOST_ROWS]
        mined, judged = np.array_split(order, 2)
        rules = MinedRules().fit(X=known[mined], columns=[encoder.names[i] for i in plain])
        if not rules.rules_:
            return self.clear("No rule between columns is clear enough in training to be broken.")
        usual, scores = rules.score_rows(X=known[judged]), rules.score_rows(X=new)
        limit = max(float(np.quantile(usual, 1 - RARE)), 1e-9)
        broken = scores > limit
        share, expected = proportion(int(broken.sum()), len(broken)), proportion(int((usual > limit).sum()), len(usual))
        parts = {"estimate": share, "unit": "share of test rows"}
        if share.low <= 2 * max(expected.value, RARE):
            return self.clear(
                f"Test rows keep the {count(len(rules.rules_), 'rule')} found in training: {percent(share.value)} "
                "break "
                f"unusually many, {percent(expected.value)} of unseen training rows do.",
                **parts,
            )
        rows = np.flatnonzero(broken)
        worst = rows[np.argsort(-scores[rows], kind="stable")][: settings.rows_shown]
        notes = dict(zip(worst.tolist(), rules.broken_by(X=new[worst]), strict=True))
        names = [column.name for column in features]
        return self.found(
            f"{count(len(rows), 'test row breaks', 'test rows break')} unusually many of the rules found in training "
            f"({percent(share.value)}; {percent(expected.value)} of unseen training rows do).",
            rows=worst_rows(
                "test", test_set.frame, test_rows[rows], scores[rows], names, settings.rows_shown,
                ["; ".join(notes.get(int(row), [])[:2]) for row in rows],
            ),
            details=(_table(rules, new[rows]),),
            price=_error(broken, test_loss),
            what_to_do="Read the rules that are broken most: they point at columns that were joined, imputed or "
                       "measured "
            "in another way. Repair the source; until then, do not trust predictions on these rows.",
            **parts,
        )  # fmt: skip


def _table(rules: MinedRules, rows: np.ndarray) -> Table:
    """The rules that the named rows break most often."""
    times: dict[str, int] = {}
    for texts in rules.broken_by(X=rows[:1000]):
        for text in texts:
            times[text] = times.get(text, 0) + 1
    top = sorted(times.items(), key=lambda item: -item[1])[:SHOWN_RULES]
    return Table("Rules broken most often by these rows", ("rule", "rows"), ("text", "number"), tuple(top))


def _error(broken: np.ndarray, loss: np.ndarray | None) -> Price | None:
    if loss is None or broken.all():
        return None
    here, elsewhere = float(loss[broken].mean()), float(loss[~broken].mean())
    reason = f"no refit repairs these rows: the error is {here:.3f} on them and {elsewhere:.3f} on the others"
    return Price("none", "Repair the source of these rows", reason=reason)

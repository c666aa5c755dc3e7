"""What is planted in: the user's tables, random parts of them, and copies in which all rows are dealt anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from holdfast.audit.load import Loaded
from holdfast.audit.load.series import as_text
from holdfast.audit.planting import Base, fresh_facts, loaded_with, sampled
from holdfast.audit.settings import Settings

TEST_SHARE = 1 / 3  # of the rows, held out where no test set is given
UNTOUCHED = -1  # the number of the ground that is no dealt copy


class Ground:
    """Bases by (number of the deal, rows at most); `UNTOUCHED` is the user's data, whose bases are kept."""

    def __init__(self, loaded: Loaded, settings: Settings) -> None:
        self.settings, self.source = settings, loaded
        self.split_off = loaded.test is None
        self.rows: dict[str, np.ndarray] = {}
        self.loaded = self._with_test(loaded) if self.split_off else loaded
        self._known: dict[tuple[int, int], Base] = {}

    def base(self, deal: int, most: int) -> Base:
        """The untouched tables, or those of one deal, with at most so many rows a set."""
        key = deal, most
        if key not in self._known:
            self._known = {known: base for known, base in self._known.items() if known[0] in (UNTOUCHED, deal)}
            self._known[key] = self._untouched(most) if deal == UNTOUCHED else self._dealt(deal, most)
        return self._known[key]

    def _with_test(self, loaded: Loaded) -> Loaded:
        """A random third of the rows plays the test set; both parts keep the order of the file."""
        n = loaded.train.frame.height
        order = np.random.default_rng([self.settings.seed, 96]).permutation(n)
        cut = max(1, round(TEST_SHARE * n))
        self.rows = {"test": np.sort(order[:cut]), "train": np.sort(order[cut:])}
        frame = loaded.train.frame
        return loaded_with(loaded, frame[self.rows["train"]], frame[self.rows["test"]])

    def _untouched(self, most: int) -> Base:
        part = sampled(fresh_facts(self.loaded, self.settings), most, self.settings.seed)
        return replace(part, train_rows=self._in_file("train", part), test_rows=self._in_file("test", part))

    def _in_file(self, name: str, base: Base) -> np.ndarray | None:
        picked = base.train_rows if name == "train" else base.test_rows
        known = self.rows.get(name)
        return picked if known is None else known if picked is None else known[picked]

    def _dealt(self, deal: int, most: int) -> Base:
        """All rows of both sets, in random order, dealt to sets of the old sizes: neither differs from the other."""
        rng = np.random.default_rng([self.settings.seed, 98, deal])
        pool, sizes, is_labelled = self._pool()
        order = rng.permutation(pool.height)
        train, test = pool[order[: sizes[0]][:most]], pool[order[sizes[0] :][:most]]
        if not is_labelled:
            test = test.drop(str(self.loaded.task.target))
        nowhere = [np.full(frame.height, -1) for frame in (train, test)]
        return Base(fresh_facts(loaded_with(self.loaded, train, test), self.settings), *nowhere)

    def _pool(self) -> tuple[pl.DataFrame, tuple[int, int], bool]:
        """All rows in their common columns, the sizes to deal, and whether the test rows keep their labels.

        Where test rows have no labels, training rows alone are dealt, at the old proportion.
        """
        assert self.loaded.test is not None
        train, test, target = self.loaded.train.frame, self.loaded.test.frame, self.loaded.task.target
        n, m = train.height, test.height
        is_labelled = target is None or (target in test.columns and test[target].null_count() < m)
        if not is_labelled:
            cut = min(max(round(n * n / (n + m)), n // 5), n - n // 5)
            return train, (cut, n - cut), False
        names = [name for name in train.columns if name in test.columns]
        train, test = train.select(names), test.select(names)
        if target is not None and train.schema[target] != test.schema[target]:
            train, test = (self._alike(frame, target) for frame in (train, test))
        return pl.concat([train, test], how="vertical_relaxed"), (n, m), True

    def _alike(self, frame: pl.DataFrame, target: str) -> pl.DataFrame:
        """Labels of one type in both sets: reading leaves them as they stand in each file."""
        if self.loaded.task.kind == "regression":
            return frame.with_columns(pl.col(target).cast(pl.Float64, strict=False))
        return frame.with_columns(as_text(frame[target]))

"""Columns of the test set under the names of training: what a model could see if both sets were spelt alike."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.audit.load import Loaded
from holdfast.audit.planting import loaded_with
from holdfast.audit.records import Remedy

ACTION = "rename_columns"


def renamed(loaded: Loaded, remedies: Iterable[Remedy]) -> Loaded:
    """The same with columns of the test set renamed; those that are not there, or whose new name is taken, stay."""
    assert loaded.test is not None
    frame = loaded.test.frame
    wanted = [pair for remedy in remedies for pair in remedy.settings["names"].items()]
    names = {old: new for old, new in wanted if old in frame.columns and new not in frame.columns}
    return loaded_with(loaded, loaded.train.frame, frame.rename(names))

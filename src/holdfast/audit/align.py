"""Columns of the test set under the names of training: what a model could see if both sets were spelt alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from holdfast.audit.load import Loaded
from holdfast.audit.models import Model, ProbeModel
from holdfast.audit.planting import loaded_with
from holdfast.audit.records import Remedy
from holdfast.audit.repair import CannotPrice

ACTION = "rename_columns"


def renamed(loaded: Loaded, remedies: Iterable[Remedy]) -> Loaded:
    """The same with columns of the test set renamed; those that are not there, or whose new name is taken, stay."""
    assert loaded.test is not None
    frame = loaded.test.frame
    for remedy in remedies:
        frame = frame.rename(names_for(remedy, frame.columns))
    return loaded_with(loaded, loaded.train.frame, frame)


def names_for(remedy: Remedy, columns: Collection[str]) -> dict[str, str]:
    """The new names of the columns that are there and whose new name is free."""
    return {old: new for old, new in remedy.settings["names"].items() if old in columns and new not in columns}


def refuse_fixed(model: Model) -> None:
    """A model that was given is fitted on the columns that it had: what more columns would bring cannot be seen."""
    if not isinstance(model, ProbeModel):
        raise CannotPrice("the model's columns are fixed: rename them, fit it with them and audit again")

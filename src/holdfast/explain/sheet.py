"""What `holdfast.explain` returns, and how its numbers are told: a verdict, and the sections of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from holdfast.audit.records import Bars, Rows, Table
from holdfast.audit.words import capital, pvalue
from holdfast.core import Estimate
from holdfast.report.sheet import Sheet

if TYPE_CHECKING:
    from holdfast.explain.drivers import Relation

Tone = Literal["good", "warn", "bad", "unknown"]
KINDS = {
    "covariate": "other rows of the same kind (covariates)",
    "label": "another mix of the target (label)",
    "relation": "another relation between features and target",
}
ADVICE = {
    "covariate": "Begin with the rows that moved: weights, or labelled rows where the test set lies, can help.",
    "label": "Begin with the mix of the target: correcting the predicted probabilities for it needs no refit.",
    "relation": "Begin with what the features mean: no reweighting of old rows can teach it. Label new rows and learn "
    "from them, or drop the features whose meaning changed.",
}


@dataclass(frozen=True)
class Explanation(Sheet):
    """The outcome of `holdfast.explain`. It shows itself in a notebook; `print` gives the verdict."""

    @property
    def change(self) -> Estimate:
        """The change of the mean loss from training to test, positive where it rose."""
        return Estimate(**self.record["result"]["change"])

    @property
    def changed(self) -> bool:
        """Whether the mean loss changed beyond chance."""
        return bool(self.record["result"]["changed"])

    @property
    def parts(self) -> dict[str, Estimate]:
        """The part of every mechanism, largest first; they sum to the change."""
        return {own["name"]: Estimate(**own["part"]) for own in self.record["result"]["mechanisms"]}

    @property
    def split(self) -> dict[str, Estimate]:
        """The parts of covariate, label and relation; they sum to the change."""
        return {own["kind"]: Estimate(**own["part"]) for own in self.record["result"]["split"]}


def verdict_of(result: dict[str, Any]) -> tuple[str, Tone]:
    """One sentence, and how worried to be."""
    change, loss = result["change"], result["loss"]
    if not result["changed"]:
        said = f"no change of the {loss} beyond chance: {_size(change, loss)}, {pvalue(change['pvalue'])}"
        return capital(f"{said}. There is nothing to explain."), "good"
    verb, tone = ("rises", "bad") if change["value"] > 0 else ("falls", "good")
    same = [own for own in result["split"] if own["part"]["value"] * change["value"] > 0]
    most = max(same, key=lambda own: abs(own["part"]["value"]))
    share = f"{KINDS[most['kind']]} ({_size(most['part'], loss)})"
    doubt = "" if most["part"]["low"] * most["part"]["high"] > 0 else ", which is not sure"
    return capital(f"the {loss} {verb}: {_size(change, loss)}, most of it through {share}{doubt}."), tone  # type: ignore[return-value]


def sections_of(result: dict[str, Any], relation: Relation, rows: Rows | None) -> list[dict[str, Any]]:
    """The evidence of the page."""
    loss, metric = result["loss"], result["metric"]
    unit = "points" if loss == "error rate" else loss
    before_now = Bars(
        capital(metric["label"]), metric["label"],
        tuple((name, *_ends(result[key])) for name, key in (("training, out of fold", "before"), ("test", "now"))),
    )  # fmt: skip
    bars = [
        Bars(f"Change of the {loss}, by {by}", unit, tuple((_words(own), *_ends(own["part"])) for own in result[key]))
        for by, key in (("kind of shift", "split"), ("cause", "mechanisms"))
    ]
    if result["changed"]:
        largest = max(result["split"], key=lambda own: abs(own["part"]["value"]))
        said = [ADVICE[largest["kind"]]]
    else:
        said = ["The change may be chance alone. Parts that cancel each other would show as sure parts of both signs."]
    sections: list[dict[str, Any]] = [
        {"id": "change", "title": "What changed", "text": said, "details": [before_now, bars[0]]},
        {
            "id": "causes", "title": "By cause", "details": [bars[1], _table(result)],
            "text": [
                f"Shapley values: the parts sum to the change of {_size(result['change'], loss)}. The split above is a "
                "game of its own between three causes, so that its covariate part need not be the sum of these."
            ],
        },
        {
            "id": "relations", "title": "Features whose relation to the target changed", "text": [relation.summary],
            "details": list(relation.details),
        },
        _slices(result, unit),
    ]  # fmt: skip
    if rows is not None:
        said = ["Their loss is furthest above what training rows of the same kind have; the score is by how much."]
        sections.append({"id": "rows", "title": "The rows behind it", "text": said, "details": [], "rows": rows})
    return sections


def _slices(result: dict[str, Any], unit: str) -> dict[str, Any]:
    slices = result["slices"]
    section: dict[str, Any] = {"id": "slices", "title": "Where the loss is higher than rows of the same kind had"}
    if not slices:
        said = "No slice stands out (the search is allowed for)."
        return {**section, "text": [said], "details": []}
    bars = tuple((own["rule"], *_ends(own["excess"])) for own in slices)
    return {
        **section,
        "text": ["The loss beyond what training rows of the same kind have, inside the slice less outside of it."],
        "details": [Bars("Excess loss, slice minus the rest", unit, bars)],
    }


def _table(result: dict[str, Any]) -> Table:
    rows = tuple((_words(own), own["kind"], *_ends(own["part"]), own["part"]["pvalue"]) for own in result["mechanisms"])
    kinds = ("text", "text", "number", "number", "number", "pvalue")
    return Table(
        f"Parts of the change of the {result['loss']}", ("cause", "kind", "part", "low", "high", "p"), kinds, rows
    )


def _words(own: dict[str, Any]) -> str:
    return KINDS.get(own["name"], own["name"])


def _size(estimate: dict[str, Any], loss: str) -> str:
    scale, unit = (100, " points") if loss == "error rate" else (1, "")
    value, low, high = (scale * end for end in _ends(estimate))
    return (
        f"{value:+.2g}{unit} ({low:.2g} to {high:.2g})"
        if scale == 1
        else f"{value:+.1f}{unit} ({low:.1f} to {high:.1f})"
    )


def _ends(estimate: dict[str, Any]) -> tuple[float, float, float]:
    return estimate["value"], estimate["low"], estimate["high"]

"""From tables to arrays: one encoder, learnt on the training set, that serves the probe model and the distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from holdfast.audit.load.vectors import to_matrix
from holdfast.audit.records import ColumnRecord

MANY = 200  # categories beyond the most frequent MANY share one code: histogram boosting takes at most 255
TEXT_PARTS = 50  # components that stand for a text column beside other columns
EMBEDDING_PARTS = 100  # components that stand for a column of embeddings
IMAGE_SIDE = 32  # pixels: images are read in grey at this size
ONE_HOT = 12  # categories with a distance of their own in the embedding; the rest share one


@dataclass
class Encoder:
    """Columns to a matrix for models (`encode`) and to finite, scaled coordinates for distances (`embed`).

    The model matrix keeps missing values as NaN and categories as codes (0 = most frequent in training, `MANY` = rare
    or unseen). The embedding has standardised numbers with the median for missing values, an indicator for columns
    that have missing values, and scaled indicators for categories, so that every column weighs about the same.
    """

    columns: tuple[ColumnRecord, ...]
    categories: dict[str, list[str]] = field(default_factory=dict)
    centres: dict[str, tuple[float, float]] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_categorical(self) -> list[bool]:
        """One flag per column of the model matrix."""
        return [flag for _, flag in self._layout()]

    @property
    def names(self) -> list[str]:
        """One name per column of the model matrix; the components of a text, image or embedding share its name."""
        return [name for name, _ in self._layout()]

    def _layout(self) -> list[tuple[str, bool]]:
        layout: list[tuple[str, bool]] = []
        for column in self.columns:
            width = self.parts[column.name].width if column.name in self.parts else 1
            layout += [(column.name, column.kind == "category")] * width
        return layout

    def fit(self, frame: pl.DataFrame, seed: int) -> Encoder:
        """Learn categories, centres, scales and components of text, images and embeddings from the training set."""
        for column in self.columns:
            series = frame[column.name]
            if column.kind == "category":
                counts = series.cast(pl.String).drop_nulls().alias("cell").value_counts()
                ordered = counts.sort(["count", "cell"], descending=[True, False])
                self.categories[column.name] = ordered["cell"].to_list()
            elif column.kind in COMPONENTS:
                self.parts[column.name] = COMPONENTS[column.kind]().fit(series, seed)
            else:
                values = as_numbers(series)
                self.centres[column.name] = _centre(values)
            if series.null_count():
                self.gaps.add(column.name)
        return self

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, d) float64 for the model; NaN = missing."""
        blocks = [self._model_block(column, frame[column.name]) for column in self.columns]
        return np.column_stack(blocks) if blocks else np.zeros((frame.height, 0))

    def embed(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, e) float32, finite, for distances."""
        blocks = [self._distance_block(column, frame[column.name]) for column in self.columns]
        return np.column_stack(blocks).astype(np.float32) if blocks else np.zeros((frame.height, 0), np.float32)

    def _model_block(self, column: ColumnRecord, series: pl.Series) -> np.ndarray:
        if column.name in self.parts:
            return self.parts[column.name].transform(series)
        if column.kind == "category":
            codes = self.codes(column.name, series)
            return np.where(codes >= 0, np.minimum(codes, MANY), np.nan)[:, None]
        values = as_numbers(series)[:, None]
        return np.where(np.isfinite(values), values, np.nan)

    def codes(self, name: str, series: pl.Series) -> np.ndarray:
        """(n,) category codes, the most frequent in training first; unseen = one past the last, missing = -1."""
        known = self.categories[name]
        unseen = len(known)
        text = series.cast(pl.String)
        codes = text.replace_strict(known, list(range(unseen)), default=unseen, return_dtype=pl.Int64)
        codes = pl.select(pl.when(text.is_null()).then(pl.lit(-1)).otherwise(codes)).to_series()
        return codes.to_numpy().astype(np.int64)

    def _distance_block(self, column: ColumnRecord, series: pl.Series) -> np.ndarray:
        if column.name in self.parts:
            block = self.parts[column.name].transform(series)
            if column.kind == "embedding":  # its own geometry is kept; text and images are compared by angle
                return block / np.sqrt(self.parts[column.name].width)
            return block / (np.linalg.norm(block, axis=1, keepdims=True) + 1e-9)
        if column.kind == "category":
            codes = np.minimum(self.codes(column.name, series), ONE_HOT)
            return (
                np.eye(ONE_HOT + 1)[codes][:, : min(ONE_HOT, len(self.categories[column.name])) + 1]
                * (codes >= 0)[:, None]
            )
        values = as_numbers(series)
        centre, scale = self.centres[column.name]
        gone = ~np.isfinite(values)
        block = np.clip((np.where(gone, centre, values) - centre) / scale, -10, 10)[:, None]
        return np.column_stack([block, gone * 1.0]) if column.name in self.gaps else block


def as_numbers(series: pl.Series) -> np.ndarray:
    """A numeric, boolean or date column as float64 (dates: days since 1970); NaN = missing, infinities kept."""
    if series.dtype.is_temporal():
        series = (
            series.cast(pl.Datetime("us")).dt.epoch("us") / 86_400e6
            if series.dtype != pl.Time
            else series.cast(pl.Int64)
        )
    return series.cast(pl.Float64, strict=False).to_numpy()


def _centre(values: np.ndarray) -> tuple[float, float]:
    """Median and a robust scale that is never 0, of the finite values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, middle, high = np.quantile(finite, [0.1, 0.5, 0.9])
    scale = (high - low) / 2.563  # 1 for a standard normal
    return float(middle), float(scale if scale > 0 else np.std(finite) or 1.0)


class _Text:
    """TF-IDF, and its leading components; `sparse` is what a linear text model reads."""

    width = TEXT_PARTS

    def fit(self, series: pl.Series, seed: int) -> _Text:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        documents = _documents(series)
        self.vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=50_000)
        try:
            matrix = self.vectorizer.fit_transform(documents)
        except ValueError:  # no word occurs twice: fall back to characters, which always do
            self.vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=50_000)
            matrix = self.vectorizer.fit_transform([document or "empty" for document in documents])
        self.width = max(1, min(TEXT_PARTS, matrix.shape[1] - 1, matrix.shape[0] - 1))
        self.svd = TruncatedSVD(self.width, random_state=seed).fit(matrix)
        return self

    def transform(self, series: pl.Series) -> np.ndarray:
        return self.svd.transform(self.sparse(series))

    def sparse(self, series: pl.Series) -> Any:
        return self.vectorizer.transform(_documents(series))


class _Image:
    """Grey pixels at a small size, and their leading components."""

    width = TEXT_PARTS

    def fit(self, series: pl.Series, seed: int) -> _Image:
        from sklearn.decomposition import PCA

        pixels = _pixels(series)
        self.width = max(1, min(TEXT_PARTS, pixels.shape[0] - 1))
        self.pca = PCA(self.width, random_state=seed, svd_solver="randomized").fit(pixels)
        return self

    def transform(self, series: pl.Series) -> np.ndarray:
        return self.pca.transform(_pixels(series))


class _Embedding:
    """Leading components of the user's vectors, scaled as a whole to a mean variance of 1 a component.

    A missing vector is the mean of training.
    """

    width = EMBEDDING_PARTS

    def fit(self, series: pl.Series, seed: int) -> _Embedding:
        from sklearn.decomposition import PCA

        vectors = to_matrix(series.drop_nulls()).astype(np.float64)
        self.width = max(1, min(EMBEDDING_PARTS, *(side - 1 for side in vectors.shape)))
        self.pca = PCA(self.width, random_state=seed, svd_solver="randomized").fit(vectors)
        self.scale = float(np.sqrt(np.mean(self.pca.explained_variance_))) or 1.0
        return self

    def transform(self, series: pl.Series) -> np.ndarray:
        if series.null_count() == len(series):
            return np.zeros((len(series), self.width))
        vectors = to_matrix(series).astype(np.float64)
        return self.pca.transform(np.where(np.isnan(vectors), self.pca.mean_, vectors)) / self.scale


COMPONENTS: dict[str, Callable[[], Any]] = {"text": _Text, "image": _Image, "embedding": _Embedding}


def _documents(series: pl.Series) -> list[str]:
    return series.cast(pl.String).fill_null("").str.slice(0, 20_000).to_list()


def _pixels(series: pl.Series) -> np.ndarray:
    """(n, side * side) float32 in [0, 1]; a file that cannot be read is grey."""
    try:
        from PIL import Image
    except ImportError:
        from holdfast.audit.check import MissingExtra

        raise MissingExtra("reading images needs Pillow: pip install 'holdfast[images]'") from None
    out = np.full((len(series), IMAGE_SIDE * IMAGE_SIDE), 0.5, np.float32)
    for row, path in enumerate(series.to_list()):
        try:
            with Image.open(path) as image:
                out[row] = np.asarray(image.convert("L").resize((IMAGE_SIDE, IMAGE_SIDE)), np.float32).ravel() / 255
        except (OSError, TypeError, ValueError, Image.DecompressionBombError):
            continue
    return out

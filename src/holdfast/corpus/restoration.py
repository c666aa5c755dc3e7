"""The verb `holdfast.corpus.restore(...)`: put removed documents back where they were."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from holdfast.corpus.output import KEPT, REMOVED, WHOLE, crc_of
from holdfast.corpus.sources import Source, open_source, pack, wrong

BLOCK = 1 << 22


def restore(folder: str | Path, out: str | Path, *, rules: Collection[str] | None = None) -> dict[str, int]:
    """Write the files of a run with what it removed put back; by file, how many records came back.

    `rules` names those whose removals are undone (all by default: the files are then the originals, and their
    checksums are compared).
    """
    folder, out, manifest, rows = _opened(str(folder), str(out), rules or ())
    back = {}
    for name, about in manifest.items():
        mine = [row for row in rows if row["file"] == name]
        for kind in (KEPT, REMOVED):
            path = folder / kind / name
            if path.exists() and f"{crc_of(path):08x}" != about[kind]["crc32"]:
                raise wrong(f"{path} is not as it was written: its checksum does not hold.")
        chosen = [row for row in mine if rules is None or row["rule"] in rules]
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".partial")
        if about["format"] == "parquet":
            _restore_rows(folder, name, mine, chosen, partial)
        else:
            value = _restore_bytes(folder, name, about, mine, chosen, partial)
            if len(chosen) == len(mine) and f"{value:08x}" != about[WHOLE]["crc32"]:
                partial.unlink()
                raise wrong(f"{target}: what came out is not the original. Nothing was written.")
        partial.replace(target)
        back[name] = len({row["start"] for row in chosen})
    return back


def _opened(
    folder: str, out: str, rules: Collection[str]
) -> tuple[Path, Path, dict[str, Any], list[dict[str, Any]]]:  # fmt: skip
    """The folders, what the run wrote into the first, and the rows of its provenance; whether all this can be."""
    for given in (folder, out):
        if "://" in given:
            raise wrong(f"{given}: expected a local folder. Copy a run here before it is restored, and the files back.")
    run, target = Path(folder), Path(out)
    if not (run / "manifest.json").exists():
        raise wrong(f"{run}: no manifest.json, so no finished run of ours.")
    manifest = json.loads((run / "manifest.json").read_text())
    rows = [json.loads(line) for line in (run / "provenance.jsonl").read_text(encoding="utf-8").split("\n") if line]
    known = {row["rule"] for row in rows}
    for rule in rules:
        if rule not in known:
            raise wrong(f"no record was removed by the rule {rule!r}. There are: {', '.join(sorted(known)) or 'none'}.")
    if target.exists() and any(target.iterdir()):
        raise wrong(f"{target} is not empty. Give a new folder as --out.")
    return run, target, manifest, rows


def _restore_bytes(
    folder: Path, name: str, about: dict[str, Any], rows: list[dict[str, Any]], chosen: list[dict[str, Any]], out: Path
) -> int:
    """Merge what was kept and what was removed; the checksum of the unpacked result."""
    wanted, value = {row["start"] for row in chosen}, 0
    with out.open("wb") as target:
        for data in _merged(folder, name, about, rows, wanted):
            value = crc32(data, value)
            target.write(pack(data, about["packing"]))
    return value


def _merged(
    folder: Path, name: str, about: dict[str, Any], rows: list[dict[str, Any]], wanted: set[int]
) -> Iterator[bytes]:
    def opened(kind: str) -> Any:
        path = folder / kind / name
        packing = about["packing"] if path.stat().st_size else ""
        return open_source(Source(str(path), name, about["format"], packing, 0, ""))

    with opened(KEPT) as kept, opened(REMOVED if rows else KEPT) as removed:
        at, held, size = 0, [], 0
        for row in rows:
            if row["start"] < at:
                continue  # another passage of the same record
            held.append(kept.read(row["start"] - at))
            new, old = kept.read(row.get("written", 0)), removed.read(row["stop"] - row["start"])
            held.append(old if row["start"] in wanted else new)
            size += len(held[-2]) + len(held[-1])
            at = row["stop"]
            if size > BLOCK:
                yield b"".join(held)
                held, size = [], 0
        yield b"".join(held)
        while data := kept.read(BLOCK):
            yield data


def _restore_rows(folder: Path, name: str, rows: list[dict[str, Any]], chosen: list[dict[str, Any]], out: Path) -> None:
    import numpy as np
    import polars as pl

    kept = pl.read_parquet(folder / KEPT / name)
    if not rows:
        kept.write_parquet(out)
        return
    removed = pl.read_parquet(folder / REMOVED / name)
    gone = sorted({row["start"] for row in rows if "written" not in row})
    listed, wanted = sorted({row["start"] for row in rows}), {row["start"] for row in chosen}
    others = np.setdiff1d(np.arange(len(kept) + len(gone)), gone)
    order = pl.Series("__row", np.concatenate([others, listed]))
    is_old = pl.Series("__old", np.arange(len(order)) >= len(others))
    whole = pl.concat([kept, removed]).with_columns(order, is_old)
    back = pl.col("__row").is_in(list(wanted))
    whole = whole.filter((pl.col("__old") & back) | (~pl.col("__old") & ~back)).sort("__row")
    whole.drop("__row", "__old").write_parquet(out)

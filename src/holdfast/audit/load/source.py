"""Open a file and say what it is, from its first bytes and not from its name."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from holdfast.audit.load.compression import decompress
from holdfast.audit.load.errors import InputError, quoted, safe_text

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".jsonl", ".json", ".gz", ".zst")

# First bytes -> what it is and what to do about it.
REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "Export the sheet as CSV or unpack the archive."),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "Export the sheet as CSV."),
    (b"\x93NUMPY", "a NumPy array", "Pass the array itself in Python, or save it as CSV or Parquet."),
    (b"\x89HDF\r\n", "an HDF5 file", "Save the table as Parquet."),
    (b"SQLite format 3\x00", "an SQLite database", "Export the table as CSV or Parquet."),
    (b"FEA1", "a Feather file of version 1", "Save it again as Feather version 2 or Parquet."),
    (b"BZh", "bzip2 data", "Unpack it or pack it again with gzip or zstd."),
    (b"\xfd7zXZ\x00", "xz data", "Unpack it or pack it again with gzip or zstd."),
    (b"%PDF-", "a PDF document", "Export the table as CSV."),
    (b"\x89PNG", "a PNG image", "Give a table with a column of image paths."),
    (b"\xff\xd8\xff", "a JPEG image", "Give a table with a column of image paths."),
    (b"version https://git-lfs.github.com/spec", "a Git LFS pointer, not the data", "Run git lfs pull."),
    (b"<!doctype html", "a web page", "Download the data file itself: this may be a log-in or error page."),
    (b"<html", "a web page", "Download the data file itself: this may be a log-in or error page."),
)
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")


def read_bytes(path: str) -> bytes:
    """The unpacked content of a file, or a clear reason why not."""
    _check_place(path)
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{_shown(path)} vanished while it was being opened. Run again when it is complete.") from None
    except PermissionError:
        raise InputError(f"{_shown(path)} cannot be read: permission denied. Change its permissions.") from None
    except MemoryError:
        raise InputError(f"{_shown(path)} does not fit into memory. Save it as Parquet, or audit a sample.") from None
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be read: {error.strerror or error}.") from None
    if not data:
        raise InputError(f"{_shown(path)} is empty (0 bytes); expected a table with a header line.")
    _refuse_pickle(path, data)
    data = decompress(data, _shown(path))
    if not data[:4096].strip() and not data.strip():
        raise InputError(f"{_shown(path)} is empty: it holds only white space; expected a table with a header line.")
    _refuse_pickle(path, data)
    _refuse_others(path, data)
    return data


def table_format(data: bytes) -> str:
    """ "parquet", "arrow", "arrow_stream", "json" or "text"."""
    if data.startswith(b"PAR1"):
        return "parquet"
    if data.startswith(b"ARROW1"):
        return "arrow"
    if data.startswith(b"\xff\xff\xff\xff"):
        return "arrow_stream"
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json" if start[:1] == b"{" or _opens_json_array(start) else "text"


def _opens_json_array(start: bytes) -> bool:
    return start[:1] == b"[" and start[1:].lstrip()[:1] in (b"{", b"[", b"]")


def _check_place(path: str) -> None:
    if "\x00" in path:
        raise InputError(f"{_shown(path)} is not a file name: it holds a NUL character.")
    try:
        if os.path.isdir(path):
            tables = sorted(name for name in os.listdir(path) if name.lower().endswith(TABLES))[:3]
            hint = f" It holds {', '.join(quoted(name) for name in tables)}." if tables else ""
            raise InputError(f"{_shown(path)} is a folder; expected a file.{hint} Give one file.")
        if not os.path.exists(path):
            raise InputError(f"No file {quoted(path, 200)}.{_close_file(path)}")
        if not os.path.isfile(path):
            raise InputError(f"{_shown(path)} is not a regular file (a device or pipe); expected a file on disk.")
    except OSError as error:
        raise InputError(f"{_shown(path)} cannot be read: {error.strerror or error}.") from None


def _close_file(path: str) -> str:
    folder = Path(path).parent
    if path.startswith(("http://", "https://", "s3://", "gs://")):
        return " Holdfast reads local files only: download it first."
    if not folder.is_dir():
        return f" There is no folder {quoted(folder, 200)} either. The working folder is {quoted(os.getcwd(), 200)}."
    names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    close = get_close_matches(Path(path).name, names, n=1, cutoff=0.5)
    return f" Did you mean {quoted(folder / close[0], 200)}?" if close else " Check the name and the folder."


def _refuse_pickle(path: str, data: bytes) -> None:
    is_pickle = len(data) > 2 and data[0] == 0x80 and 2 <= data[1] <= 5
    if is_pickle or Path(path).suffix.lower() in PICKLES:
        raise InputError(
            f"{_shown(path)} is a pickle. Loading one runs whatever code it holds, so Holdfast never does. "
            "Load it yourself if you trust it and save the table as Parquet or CSV."
        )


def _refuse_others(path: str, data: bytes) -> None:
    start = data[:64]
    for magic, what, advice in REFUSED:
        if start.startswith(magic) or (magic.startswith(b"<") and start.lstrip().lower().startswith(magic)):
            raise InputError(f"{_shown(path)} is {what}; expected CSV, Parquet, Arrow or JSON Lines. {advice}")


def _shown(path: str) -> str:
    return safe_text(path, 200)

"""Bytes of text in any common encoding -> UTF-8 bytes, with a note where they were not."""

from __future__ import annotations

import codecs
from itertools import pairwise

from holdfast.audit.load.errors import InputError

STEP = 1 << 22
WINDOW = 1 << 20  # bytes around the first broken one that decide whether it is Western European text
BYTE_ORDER_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
MARKS = set("’‘“”„–—…•€£¥§©®°±²³·¼½¾¿¡«»×÷´`¨ºª™\xa0")


def to_utf8(data: bytes, path: str) -> tuple[bytes, str]:
    """UTF-8 without a byte order mark, and a note ("" where there is nothing to say)."""
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _recode(data, name, path), f"the file is encoded as {name}"
    data = data.removeprefix(codecs.BOM_UTF8)
    if guess := _utf16_without_mark(data):
        return _recode(data, guess, path), f"the file is encoded as {guess}, without a byte order mark"
    _refuse_binary(data, path)
    broken = _first_broken(data)
    if broken is None:
        return data, ""
    line = data.count(b"\n", 0, broken) + 1
    if not _is_western(data[max(0, broken - WINDOW // 2) : broken + WINDOW // 2]):
        raise InputError(
            f"{path} line {line:,} (byte {broken:,}) holds byte 0x{data[broken]:02x}, which is not UTF-8; expected "
            "UTF-8, UTF-16 or Western European text. Was a character cut in two? Save the file as UTF-8."
        )
    return _recode(data, "cp1252", path), f"line {line:,} is not UTF-8: the file was read as Western European (cp1252)"


def _recode(data: bytes, encoding: str, path: str) -> bytes:
    decoder = codecs.getincrementaldecoder(encoding)()
    recoded = bytearray()
    try:
        for start in range(0, len(data), STEP):
            recoded += decoder.decode(data[start : start + STEP], start + STEP >= len(data)).encode()
    except UnicodeError as error:
        raise InputError(f"{path} is not valid {encoding} text ({error}). Save it as UTF-8.") from None
    return bytes(recoded).removeprefix(codecs.BOM_UTF8)


def _utf16_without_mark(data: bytes) -> str:
    """Mostly ASCII text in UTF-16 has a zero in every second byte."""
    start = data[:4096]
    if len(start) < 8:
        return ""
    even, odd = start[0::2].count(0) / len(start[0::2]), start[1::2].count(0) / len(start[1::2])
    if odd > 0.7 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.05 else ""


def _refuse_binary(data: bytes, path: str) -> None:
    start = data[: 1 << 16]
    controls = sum(start.count(code) for code in (*range(1, 9), *range(14, 27), *range(28, 32)))
    if start.count(0) > 0.002 * len(start) + 1 or controls > 0.05 * len(start) + 32:
        raise InputError(
            f"{path} is not text: its first bytes hold control characters or zeros. Expected CSV, Parquet, Arrow or "
            "JSON Lines. Is it another format, or a damaged download?"
        )


def _first_broken(data: bytes) -> int | None:
    if data.isascii():
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), STEP):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + STEP], start + STEP >= len(data))
        except UnicodeDecodeError as error:
            return start - held + error.start
    return None


def _is_western(window: bytes) -> bool:
    """Broken bytes that read as letters among letters or as common marks, in text with hardly any valid UTF-8."""
    escaped = window.decode("utf-8", "surrogateescape")
    broken = sum(1 for mark in escaped if "\udc80" <= mark <= "\udcff")
    valid = sum(1 for mark in escaped if "\x7f" < mark < "\udc80" or mark > "\udcff")
    try:
        text = window.decode("cp1252")
    except UnicodeDecodeError:
        return False
    pairs = [(before, now) for before, now in pairwise(" " + text) if now > "\x7f"]
    plausible = sum(now in MARKS or (now.isalpha() and before.isascii()) for before, now in pairs)
    return broken > 5 * valid and plausible >= 0.8 * max(1, len(pairs))

"""JSON Lines read by compiled code: where every line is a flat object, its text and its name without Python objects.

Needs numba. What is out of the ordinary (nested values, a key twice, numbers with exponents, broken JSON, bytes that
are no UTF-8, half surrogates) is not judged here: the caller is told so and reads those lines in the usual way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, END = 34, 92, 44, 58, 123, 125, 10
ONE = np.uintp(1)
LONGEST_NUMBER = 18  # digits of a whole number that is taken as a name
PLAIN = np.zeros(256, dtype=np.bool_)  # bytes of a string that stand for themselves
PLAIN[32:128] = True
PLAIN[[QUOTE, BACKSLASH]] = False
ESCAPED = np.zeros(256, dtype=np.uint8)  # what stands behind a backslash, and for what
ESCAPED[[ord(letter) for letter in '"\\/bfnrt']] = [ord(letter) for letter in '"\\/\b\f\n\r\t']


class Lines(NamedTuple):
    """Texts and names as UTF-8 one after the other, with the starts of each and of the lines (n + 1)."""

    text: np.ndarray
    text_starts: np.ndarray
    names: np.ndarray
    name_starts: np.ndarray
    line_starts: np.ndarray


def read_lines(data: bytes, text: str, name: str) -> Lines | None:
    r"""The string of field `text` and the string, whole number or null of field `name`, where there is one, by line.

    None where a line is anything but a flat JSON object with such a text, or the last line has no end.

    >>> lines = read_lines(b'{"id": 7, "text": "a \\u00e9\\n"}\n{"text":"b"}\n', "text", "id")
    >>> lines.text.tobytes().decode(), lines.text_starts.tolist(), lines.names.tobytes(), lines.line_starts.tolist()
    ('a é\nb', [0, 5, 6], b'7', [0, 32, 45])
    >>> read_lines(b'{"text": "a"} {"text": "b"}\n', "text", "id") is None
    True
    """
    if not data.endswith(b"\n") or text == name:
        return None
    lines = data.count(b"\n")
    found = Lines(
        np.empty(len(data), dtype=np.uint8), np.zeros(lines + 1, dtype=np.int64), np.empty(len(data), dtype=np.uint8),
        np.zeros(lines + 1, dtype=np.int64), np.zeros(lines + 1, dtype=np.int64),
    )  # fmt: skip
    keys = [np.frombuffer(key.encode("utf-8", "surrogatepass"), dtype=np.uint8) for key in (text, name)]
    if not _read_lines(np.frombuffer(data, dtype=np.uint8), keys[0], keys[1], *found):
        return None
    return found._replace(text=found.text[: found.text_starts[-1]], names=found.names[: found.name_starts[-1]])


@njit(cache=True, nogil=True)
def _read_lines(  # type: ignore[no-untyped-def]  # noqa: C901 - one pass
    data, text_key, name_key, text, text_starts, names, name_starts, line_starts
):
    """Fill the arrays; false where a line is not simple. No search passes the end of a line: no value holds one."""
    at, size, name_size = np.int64(0), np.int64(0), np.int64(0)
    for line in range(1, len(line_starts)):
        has_text = has_name = False
        at = _after(data, at, OPEN)
        while at >= 0:
            key = _spaces(data, at)
            if data[key] != QUOTE:
                return False
            at, key_end = _string(data, key + 1, names, name_size)
            if at < 0 or key_end - name_size != at - key - 2:
                return False  # a key with escapes may be spelt otherwise than it looks
            is_text, is_name = _equals(data, key + 1, at - 1, text_key), _equals(data, key + 1, at - 1, name_key)
            at = _after(data, at, COLON)
            if at < 0 or (is_text and has_text) or (is_name and has_name):
                return False
            at = _spaces(data, at)
            if data[at] != QUOTE and is_text:
                return False
            if is_text:
                at, size = _string(data, at + 1, text, size)
                has_text = True
            else:
                at, name_end = _value(data, at, names, name_size, is_name)
                name_size = name_end if is_name else name_size
                has_name = has_name or is_name
            if at < 0:
                return False
            at = _spaces(data, at)
            if data[at] == CLOSE:
                break
            at = _after(data, at, COMMA)
        if at < 0 or not has_text:
            return False
        at = _spaces(data, at + 1)
        if data[at] != END:
            return False
        at += 1
        text_starts[line], name_starts[line], line_starts[line] = size, name_size, at
    return True


@njit(cache=True, nogil=True)
def _spaces(data, at):  # type: ignore[no-untyped-def]
    while data[at] == 32 or data[at] == 9 or data[at] == 13:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _after(data, at, sign):  # type: ignore[no-untyped-def]
    """The place behind a sign that may have spaces before it, -1 where there is another."""
    at = _spaces(data, at)
    return at + 1 if data[at] == sign else np.int64(-1)


@njit(cache=True, nogil=True)
def _equals(data, begin, stop, key):  # type: ignore[no-untyped-def]
    """Whether a key is this one."""
    return stop - begin == len(key) and (data[begin:stop] == key).all()


@njit(cache=True, nogil=True)
def _string(data, at, out, size):  # type: ignore[no-untyped-def]
    """Write the characters of a string that begins here; where it ends (-1: it is not simple), and the new size."""
    while True:
        place, free = np.uintp(at), np.uintp(size)  # unsigned: no test for negative places
        while PLAIN[data[place]]:
            out[free] = data[place]
            free += ONE
            place += ONE
        at, size = np.int64(place), np.int64(free)
        byte = data[at]
        if byte == QUOTE:
            return at + 1, size
        elif byte == BACKSLASH:
            at, size = _escape(data, at + 1, out, size)
            if at < 0:
                return at, size
        else:
            width = _width(data, at)
            if width == 0:
                return np.int64(-1), size
            for _ in range(width):
                out[size] = data[at]
                size += 1
                at += 1


@njit(cache=True, nogil=True)
def _width(data, at):  # type: ignore[no-untyped-def]
    """How many bytes a character beyond ASCII has here; 0 where it is none."""
    lead = data[at]
    low, high = 0x80, 0xBF  # of the second byte
    if 0xC2 <= lead <= 0xDF:
        width = 2
    elif 0xE0 <= lead <= 0xEF:
        width = 3
        low, high = (0xA0 if lead == 0xE0 else low), (0x9F if lead == 0xED else high)
    elif 0xF0 <= lead <= 0xF4:
        width = 4
        low, high = (0x90 if lead == 0xF0 else low), (0x8F if lead == 0xF4 else high)
    else:
        return 0
    if not low <= data[at + 1] <= high:
        return 0
    for place in range(2, width):
        if data[at + place] & 0xC0 != 0x80:
            return 0
    return width


@njit(cache=True, nogil=True)
def _hex(data, at):  # type: ignore[no-untyped-def]
    """Four hexadecimal digits as a number, -1 where they are none."""
    value = np.int64(0)
    for place in range(4):
        byte = np.int64(data[at + place])
        if 48 <= byte <= 57:
            digit = byte - 48
        elif 97 <= (byte | 32) <= 102:
            digit = (byte | 32) - 87
        else:
            return -1
        value = 16 * value + digit
    return value


@njit(cache=True, nogil=True)
def _escape(data, at, out, size):  # type: ignore[no-untyped-def]
    """Write the character that stands behind a backslash; see `_string`."""
    if data[at] != 117:  # u
        out[size] = ESCAPED[data[at]]
        return at + 1 if ESCAPED[data[at]] else np.int64(-1), size + 1
    code = _hex(data, at + 1)
    at += 5
    if 0xD800 <= code < 0xDC00 and data[at] == BACKSLASH and data[at + 1] == 117:
        low = _hex(data, at + 2)
        if not 0xDC00 <= low < 0xE000:
            return np.int64(-1), size
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        at += 6
    if code < 0 or 0xD800 <= code < 0xE000:
        return np.int64(-1), size
    return at, _character(code, out, size)


@njit(cache=True, nogil=True)
def _character(code, out, size):  # type: ignore[no-untyped-def]
    """Write a character as UTF-8; the new size."""
    if code < 0x80:
        out[size] = code
        return size + 1
    width = 2 if code < 0x800 else 3 if code < 0x10000 else 4
    for place in range(width - 1, 0, -1):
        out[size + place] = 0x80 | (code & 0x3F)
        code >>= 6
    out[size] = (0xF00 >> width) & 0xFF | code
    return size + width


@njit(cache=True, nogil=True)
def _value(data, at, out, size, is_name):  # type: ignore[no-untyped-def]
    """Go over a string, a number or a word that JSON knows; a name is written. See `_string`."""
    if data[at] == QUOTE:
        return _string(data, at + 1, out, size)
    if data[at] == 110:  # null
        return (at + 4 if _spells(data, at + 1, 117, 108, 108) else np.int64(-1)), size
    if data[at] == 116 and not is_name:  # true
        return (at + 4 if _spells(data, at + 1, 114, 117, 101) else np.int64(-1)), size
    if data[at] == 102 and not is_name:  # false
        right = data[at + 1] == 97 and _spells(data, at + 2, 108, 115, 101)
        return (at + 5 if right else np.int64(-1)), size
    return _number(data, at, out, size, is_name)


@njit(cache=True, nogil=True)
def _spells(data, at, one, two, three):  # type: ignore[no-untyped-def]
    return data[at] == one and data[at + 1] == two and data[at + 2] == three


@njit(cache=True, nogil=True)
def _number(data, at, out, size, is_name):  # type: ignore[no-untyped-def]
    """Go over a number without an exponent; as a name it must be whole and not too long."""
    begin = at
    at += data[at] == 45  # minus
    digits = _digits(data, at)
    if digits == 0 or digits > LONGEST_NUMBER or (data[at] == 48 and (digits > 1 or at > begin)):
        return np.int64(-1), size
    at += digits
    if data[at] == 46 and not is_name:  # a point
        after = _digits(data, at + 1)
        if after == 0:
            return np.int64(-1), size
        at += 1 + after
    for place in range(begin, at):
        out[size + place - begin] = data[place]
    return at, size + at - begin


@njit(cache=True, nogil=True)
def _digits(data, at):  # type: ignore[no-untyped-def]
    count = np.int64(0)
    while 48 <= data[at + count] <= 57:
        count += 1
    return count

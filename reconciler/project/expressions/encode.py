"""Functions over bytes, bits and identifiers."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from reconciler.model.values import Flow, Value, is_null
from reconciler.project.expressions.registry import Unusable, function, integer_of, text_of

_ENCODINGS: Final = {
    "utf8": "utf-8", "utf-8": "utf-8", "utf16": "utf-16-le", "utf-16": "utf-16-le", "unicode": "utf-16-le",
    "ascii": "ascii", "us-ascii": "ascii",
}  # fmt: skip
_COMPONENT: Final = re.compile(r"\s*[^=,+]+=((?:\\.|[^\\,+])*)", re.DOTALL)
_ESCAPED: Final = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)


@function("BitAnd(value1, value2)", least=2)
def bit_and(first: Value, second: Value) -> Flow:
    return integer_of(first, 1) & integer_of(second, 2)


@function("ConvertToBase64(source)", least=1)
def convert_to_base64(source: Value) -> Flow:
    """Of the text as UTF-16, little end first."""
    return None if source is None else base64.b64encode(_bytes(source, "utf-16-le")).decode("ascii")


@function("ConvertFromBase64(source, encoding)", least=1)
def convert_from_base64(source: Value, encoding: Value = None) -> Flow:
    """The text that the bytes are: UTF-16 if nothing is said, or UTF8."""
    if source is None:
        return None
    name = "unicode" if is_null(encoding) else text_of(encoding, 2).lower()
    if name not in _ENCODINGS:
        raise Unusable(2, f"is none of UTF8, Unicode, ASCII: {encoding!r}")
    data = _decoded(text_of(source, 1))
    try:
        return data.decode(_ENCODINGS[name])
    except UnicodeDecodeError:
        raise Unusable(1, f"is base64 of something that is no {_ENCODINGS[name]} text") from None


@function("ConvertToUTF8Hex(source)", least=1)
def convert_to_utf8_hex(source: Value) -> Flow:
    return None if source is None else _bytes(source, "utf-8").hex().upper()


@function("DNComponent(dn, number)", least=2)
def dn_component(source: Value, number: Value) -> Flow:
    """The value of a distinguished name's component (RFC 4514), counted from 1 on the left; "" if there is none."""
    wanted = integer_of(number, 2)
    if is_null(source):
        return None
    text = text_of(source, 1)
    found: list[str] = []
    position = 0
    while position < len(text):
        matched = _COMPONENT.match(text, position)
        if matched is None:
            raise Unusable(1, f"is no distinguished name: {text!r}")
        found.append(_unescaped(matched[1].strip()))
        position = matched.end() + 1
    return found[wanted - 1] if 1 <= wanted <= len(found) else ""


@function("StringFromSid(source)", least=1)
def string_from_sid(source: Value) -> Flow:
    """S-1-… of a binary security identifier, which comes as base64 (MS-DTYP 2.4.2.2). One written out stays."""
    if is_null(source):
        return None
    text = text_of(source, 1)
    if text.upper().startswith("S-1-"):
        return text
    data = _decoded(text)
    if len(data) < 8 or data[0] != 1 or len(data) != 8 + 4 * data[1]:
        raise Unusable(1, "is no security identifier")
    parts = (int.from_bytes(data[at : at + 4], "little") for at in range(8, len(data), 4))
    return "-".join(map(str, ("S", data[0], int.from_bytes(data[2:8], "big"), *parts)))


function("StringFromSID(source)", least=1)(string_from_sid)  # the documentation spells it both ways


def _bytes(source: Value, encoding: str) -> bytes:
    try:
        return text_of(source, 1).encode(encoding)
    except UnicodeEncodeError:
        raise Unusable(1, "has half a character") from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unusable(1, "is not base64") from None


def _unescaped(value: str) -> str:
    """RFC 4514 section 2.4: a backslash stands before the digits of a byte, or before the character itself."""
    data = value.encode("utf-8", "surrogatepass")
    return _ESCAPED.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], data).decode("utf-8", "replace")

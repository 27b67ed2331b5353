"""Each function at its edges. The documented examples are in test_documented_expressions."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ExpressionError
from reconciler.model.values import UNSET
from reconciler.project import compile_expression

_SOURCE: dict[str, Any] = {
    "a": "abc", "empty": "", "none": None, "many": ("x", "y", "x"), "one": ("x",), "yes": True, "n": 3, "text7": "7",
    "mixed": ("x", None, ""), "complex": ({"value": "x"},),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # text
        ('Append([none], ".x")', None),
        ('Append([empty], ".x")', ".x"),
        ("Append([a], [none])", "abc"),
        ("CStr([yes])", "True"),
        ("CStr([n])", "3"),
        ("CStr(2.0)", "2"),
        ("CStr([none])", None),
        ('InStr([none], "x")', 0),
        ('InStr("abcabc", "c", 4)', 6),
        ('InStr("ÄB", "ä", 1, vbTextCompare)', 1),
        ("Left([a], 0)", ""),
        ("Left([none], 2)", ""),
        ('Left([a], "2")', "ab"),
        ("Mid([a], 2, 99)", "bc"),
        ("Mid([a], 9, 1)", ""),
        ("Mid([none], 1, 1)", ""),
        ('PCase("o\'brien-smith  3rd mcDONALD")', "O'brien-Smith  3Rd Mcdonald"),
        ('PCase("jean-luc PICARD", " ")', "Jean-luc Picard"),
        ("PCase([none])", None),
        ('StripSpaces("a\tb c")', "a\tbc"),
        ("StripSpaces([none])", None),
        ('ToUpper("straße")', "STRAßE"),
        ('ToUpper("i", "tr-TR")', "İ"),
        ('ToLower("IİX", "tr-TR")', "ıix"),
        ('ToLower("IX", "en-US")', "ix"),
        ("ToLower([none])", None),
        ("ToUpper([none])", None),
        ("Trim([none])", None),
        ('Word("a--b", 2, "-")', "b"),
        ('Word("a-b c", 3, "- ")', "c"),
        ('Word("a b", -1, " ")', ""),
        ('Word("a b", 1, "")', "a b"),
        ('Word([none], 1, " ")', ""),
        # diacritics
        ('NormalizeDiacritics("Łukasz Øster Þór ıŋ")', "Lukasz OEster THor ing"),
        ('NormalizeDiacritics("日本 が")', "日本 が"),
        ("NormalizeDiacritics([none])", None),
        ("NormalizeDiacritics([a])", "abc"),
        # logic
        ("CBool([yes])", True),
        ("CBool(0)", False),
        ('CBool("-2")', True),
        ("CBool([none])", False),
        ('CBool([a] = "abc")', True),
        ("Coalesce([none], [empty], [a])", ""),
        ("Coalesce([none], [a])", "abc"),
        ("IsNull([empty])", False),
        ("IsNull([none])", True),
        ("IsNullOrEmpty([none])", True),
        ("IsNullOrEmpty([a])", False),
        ("IsPresent([empty])", False),
        ("IsString([a])", True),
        ("IsString([n])", False),
        ('Not("true")', "False"),
        ("Not([none])", "True"),
        ("Not(IsPresent([a]))", "False"),
        ("IgnoreFlowIfNullOrEmpty([empty])", UNSET),
        ("IgnoreFlowIfNullOrEmpty([a])", "abc"),
        # several values
        ("Count([none])", 0),
        ("Count([a])", 1),
        ("Item([many], 2)", "y"),
        ('Item([many], "2")', "y"),
        ("Item([none], 1)", None),
        ('Join("-", [many], [a])', "x-y-x-abc"),
        ('Join("-", [none], [empty], [mixed])', "x"),
        ('Join("-")', ""),
        ("RemoveDuplicates([many])", ("x", "y")),
        ("RemoveDuplicates([none])", ()),
        ('Split("a,, b ,", ",")', ("a", "b")),
        ('Split([none], ",")', ()),
        ("ToUpper([one])", "X"),
        # bytes, bits, identifiers
        ('BitAnd(12, "10")', 8),
        ('ConvertToBase64("")', ""),
        ("ConvertToBase64([none])", None),
        ('ConvertFromBase64("w6k=", "utf-8")', "é"),
        ("ConvertFromBase64([none])", None),
        ("ConvertToUTF8Hex([none])", None),
        ('DNComponent("CN=a\\,b + OU=x", 1)', "a,b"),
        ('DNComponent("CN=a,OU=x", 3)', ""),
        ("DNComponent([none], 1)", None),
        ('StringFromSid("s-1-5-18")', "s-1-5-18"),
        ('StringFromSID("AQEAAAAAAAUSAAAA")', "S-1-5-18"),
        ("StringFromSid([none])", None),
        # app roles
        ("SingleAppRoleAssignment([one])", "x"),
        ("SingleAppRoleAssignment([none])", None),
        ("SingleAppRoleAssignment([complex])", "x"),
        ("AppRoleAssignments([many])", ("x", "y")),
        ("AssertiveAppRoleAssignmentsComplex([one])",
         ({"primary": False, "type": "WindowsAzureActiveDirectoryRole", "display": "x", "value": "x"},)),
        ("AppRoleAssignmentsComplex([none])", ()),
        # what Visual Basic and Graph call them
        ("IsNothing([none])", True),
        ('Prepend([a], "x-")', "x-abc"),
        ('Prepend([none], "x-")', None),
        # Replace
        ('Replace([a], "b", , , "-", , )', "a-c"),
        ('Replace([a], "B", , , "-", , )', "abc"),
        ('Replace([none], "b", , , "-", , )', None),
        ('Replace([a], "%x%", , , , , "hi %x%!")', "hi abc!"),
        ('Replace([none], "%x%", , , , , "hi %x%!")', None),
        ('Replace([a], "b", , , [none], , )', "ac"),
        ('Replace("a1b22", , "[0-9]+", , "<$&>", , )', "a<1>b<22>"),
        ('Replace("John Smith", , "(\\w+) (\\w+)", , "$2 $1", , )', "Smith John"),
        ('Replace("ab", , "b", , "$$1$9${nope}", , )', "a$1$9${nope}"),
        ('Replace("abc", , "b", , "[$`|$\'|$_]", , )', "a[a|c|abc]c"),
        ('Replace("ab", , "(?<x>a)(?<y>b)", , "$+", , )', "b"),
        ('Replace("x1y2", , "(?<n>[0-9])", "n", "#", , )', "x#y#"),
        ('Replace("x1", , "(?<n>[0-9])", "1", "#", , )', "x#"),
        ('Replace([none], , "x", , "y", , )', None),
        ('Replace([a], , "(?<d>[0-9])", "d", , [text7], )', "abc"),
        ('Replace([none], , "(?<d>[0-9])", "d", , [text7], )', "7"),
        ('Replace([none], , "(?<d>[0-9])", "d", , [a], )', None),
        ('Replace([none], , "(?<d>[0-9])", "d", , [none], )', None),
    ],
)  # fmt: skip
def test_gives(text: str, value: Any) -> None:
    result = compile_expression(text).evaluate(_SOURCE)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Left([many], 1)", "Left: argument 1 (text) has several values where one text is needed; pick one with Item"),
        ("Append([a], [many])", "Append: argument 2 (suffix) has several values"),
        ("Left([a], [yes])", "Left: argument 2 (length) is not a whole number"),
        ("Left([a], 1.5)", "Left: argument 2 (length) is not a whole number: 1.5"),
        ("Left([a], [none])", "Left: argument 2 (length) is not a whole number"),
        ("Mid([a], 0, 1)", "Mid: argument 2 (start) is 0; texts begin at 1"),
        ("Mid([a], 1, -1)", "Mid: argument 3 (length) is -1; a length is not negative"),
        ('InStr([a], "b", 0)', "InStr: argument 3 (start) is 0; texts begin at 1"),
        ('InStr([a], "b", 1, 7)', "InStr: argument 4 (compareType) is neither vbBinaryCompare nor vbTextCompare"),
        ("Item([many], 0)", "Item: argument 2 (index) is 0, and there are 3 values"),
        ("Item([many], 4)", "Item: argument 2 (index) is 4, and there are 3 values"),
        ("Item([a], 2)", "Item: argument 2 (index) is 2, and there is 1 value"),
        ('Split([a], "")', "Split: argument 2 (delimiter) is empty"),
        ("CBool([a])", "CBool: argument 1 (condition) is neither true nor false: 'abc'"),
        ("RemoveDuplicates([complex])", "RemoveDuplicates: argument 1 (attribute) has complex values"),
        ('Join(",", [complex])', "Join: argument 2 (source) has several values"),
        (
            "SingleAppRoleAssignment([many])",
            "SingleAppRoleAssignment: argument 1 (appRoleAssignments) has 2 roles (x, y)",
        ),
        ('ConvertFromBase64("*")', "ConvertFromBase64: argument 1 (source) is not base64"),
        ('ConvertFromBase64("/w==", UTF8)', "ConvertFromBase64: argument 1 (source) is base64 of something that is no"),
        ('ConvertFromBase64("YQ==", "latin")', "ConvertFromBase64: argument 2 (encoding) is none of UTF8, Unicode"),
        ('DNComponent("nothing", 1)', "DNComponent: argument 1 (dn) is no distinguished name: 'nothing'"),
        ('StringFromSid("YQ==")', "StringFromSid: argument 1 (source) is no security identifier"),
        ('Error("no mail")', "Error says: no mail, at column 1"),
        ("DefaultDomain()", "DefaultDomain is a fact of a Microsoft Entra tenant"),
        ('ToLower([a], "turkish!")', "ToLower: argument 2 (culture) is no name of a culture"),
        ('Replace([a], , "b", , [huge], , )', "Replace gives a text of more than 1000000 characters"),
        ('Replace([a], "b", , , [huge], , )', "Replace gives a text of more than 1000000 characters"),
        ('Replace([a], , "(b)", "1", [huge], , )', "Replace gives a text of more than 1000000 characters"),
        ("Replace([a], , )", "Replace needs oldValue or regexPattern"),
        ('Replace([a], "b", , )', "Replace has oldValue, and needs replacementValue or template"),
        ('Replace([a], , "b", )', "Replace needs replacementValue, or regexGroupName with replacementAttribute"),
        ('Replace([a], , [bad], , "x", , )', "Replace: argument 3 (regexPattern) is not a regular expression"),
        ('Replace([a], , "b", [a], "x", , )', "Replace: argument 4 (regexGroupName) names a group"),
        ('Replace([slow], , "^(a|aa)+$", , "x", , )', "Replace: argument 3 (regexPattern) takes too long"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text).evaluate({**_SOURCE, "bad": "(", "slow": "a" * 60 + "!", "huge": "x" * 1_000_001})
    assert caught.value.message.startswith(message)

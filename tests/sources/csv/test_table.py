"""Tables as they come: encodings, separators, headings that are not on top, quotes, and files that are none."""

from __future__ import annotations

import codecs
import io
import tracemalloc

import pytest

from reconciler.errors import ReconcilerError, UsageError
from reconciler.sources.csv import encodings, named, open_table
from reconciler.sources.csv.table import MAX_RECORD
from tests.sources.csv.reading import opened

HEAD = "Employee ID,First name,Last name,Work email\n"
JOSE = HEAD + "007,José,Łukasz,jose@contoso.com\n"


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (JOSE.encode(), "UTF-8"),
        (codecs.BOM_UTF8 + JOSE.encode(), "UTF-8"),
        (JOSE.encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + JOSE.encode("utf-16-be"), "UTF-16"),
        (JOSE.encode("utf-16-le"), "UTF-16"),
        (JOSE.encode("utf-16-be"), "UTF-16"),
        (JOSE.encode("utf-32"), "UTF-32"),
    ],
    ids=["utf-8", "with a mark", "utf-16", "utf-16 big", "utf-16 without a mark", "and big", "utf-32"],
)
def test_encodings_are_found(data: bytes, title: str) -> None:
    table = opened(data)
    assert table.encoding.title == title
    assert table.headings == ["Employee ID", "First name", "Last name", "Work email"]
    assert list(table.rows()) == [(2, ["007", "José", "Łukasz", "jose@contoso.com"])]


def test_windows_1252_is_taken_where_it_is_no_utf_8_and_that_is_a_guess() -> None:
    table = opened((HEAD + "1,Jürgen,O’Neill,j@contoso.com\n").encode("cp1252"))
    assert (table.encoding.codec, table.encoding.guessed) == ("cp1252", True)
    assert list(table.rows()) == [(2, ["1", "Jürgen", "O’Neill", "j@contoso.com"])]
    assert not opened(JOSE).encoding.guessed


def test_an_encoding_that_somebody_names_is_used() -> None:
    data = (HEAD + "1,Łukasz,Żak,l@contoso.com\n").encode("iso8859-2")
    assert next(opened(data, encoding="latin2").rows())[1][1] == "Łukasz"


def test_one_bad_byte_among_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(ReconcilerError, match=r"people.csv:3: byte 0xfc is not UTF-8, while other characters are"):
        opened(JOSE.encode() + b"2,J\xfcrgen,X,j@contoso.com\n")


def test_bytes_that_no_encoding_knows_are_refused_with_their_line() -> None:
    with pytest.raises(ReconcilerError, match=r"people.csv:2: byte 0x81 is neither UTF-8 nor Windows-1252"):
        opened(HEAD.encode() + b"2,J\x81rgen,X,j@contoso.com\n")


def test_a_file_cut_off_in_a_character_is_refused() -> None:
    with pytest.raises(ReconcilerError, match=r"ends in the middle of a character"):
        opened(JOSE.encode() + "8,Zoé".encode()[:-1])
    with pytest.raises(ReconcilerError, match="cut off"):
        list(opened((JOSE * 3000).encode("utf-16")[:-1]).rows())


def test_a_wrong_encoding_that_somebody_names_is_refused_with_the_line() -> None:
    with pytest.raises(ReconcilerError, match=r"people.csv:\d+: not ascii from here on"):
        list(opened(JOSE, encoding="ascii").rows())
    with pytest.raises(UsageError, match="there is no encoding `klingon`"):
        named("klingon")
    with pytest.raises(UsageError, match="there is no encoding `base64`"):
        named("base64")


@pytest.mark.parametrize("data", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"])
def test_a_workbook_is_told_to_be_one(data: bytes) -> None:
    with pytest.raises(ReconcilerError, match=r"is a workbook of a spreadsheet, not a CSV\n.*save the sheet as CSV"):
        opened(data)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b" \n", b",,,\n"])
def test_nothing_is_no_table(data: bytes) -> None:
    with pytest.raises(ReconcilerError, match=r"people.csv: holds no headings and no people"):
        opened(data)


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_separators_are_found(sign: str) -> None:
    data = HEAD.replace(",", sign) + sign.join(["1", "Ada, Countess; of" if sign == "|" else "Ada", "L", "a@x.com\n"])
    table = opened(data)
    assert table.delimiter == sign
    assert len(next(table.rows())[1]) == 4


def test_the_separator_is_that_by_which_headings_are_known_not_the_most_frequent() -> None:
    data = "Mail;Name\na@x.com;Lovelace, Ada, Lady\nb@x.com;Hopper, Grace, Admiral\n"
    assert opened(data).delimiter == ";"
    assert opened(data, delimiter=",").delimiter == ","


def test_what_excel_writes_above_the_headings_counts() -> None:
    table = opened("sep=|\r\n" + HEAD.replace(",", "|") + "1|A|B|a@x.com\r\n")
    assert (table.delimiter, table.line) == ("|", 2)
    assert list(table.rows()) == [(3, ["1", "A", "B", "a@x.com"])]


def test_titles_above_the_headings_are_left_out() -> None:
    table = opened("People report\nCreated,2026-11-01\n\n" + HEAD + "1,A,B,a@x.com\n")
    assert (table.line, table.above) == (4, 3)
    assert [line for line, _ in table.rows()] == [5]


def test_quotes_line_breaks_in_them_and_blank_lines_keep_the_lines_right() -> None:
    data = HEAD + '1,"A ""Ace""","B\r\nC",a@x.com\r\n\r\n,,,\r\n2, "D, E",F,b@x.com'
    table = opened(data)
    assert list(table.rows()) == [
        (2, ["1", 'A "Ace"', "B\r\nC", "a@x.com"]),
        (6, ["2", "D, E", "F", "b@x.com"]),
    ]
    assert not table.ended
    whole = opened(HEAD + "1,A,B,a@x.com\n")
    assert list(whole.rows())
    assert whole.ended


def test_line_breaks_of_old_macs_count() -> None:
    assert [line for line, _ in opened((HEAD + "1,A,B,a@x.com\n2,C,D,b@x.com\n").replace("\n", "\r")).rows()] == [2, 3]


def test_a_quote_that_never_closes_is_refused_where_it_opens() -> None:
    many = "".join(f"{n},A,B,{n}@x.com\n" for n in range(50_000))
    for rest in ("", many):
        with pytest.raises(ReconcilerError, match=r"people.csv:3: a quote that is opened in this row is never closed"):
            list(opened(HEAD + '1,A,B,a@x.com\n2,"C,D,b@x.com\n' + rest).rows())


def test_text_behind_a_closing_quote_is_refused_where_it_stands() -> None:
    with pytest.raises(ReconcilerError, match=r"people.csv:3: text behind a closing quote"):
        list(opened(HEAD + '1,A,B,a@x.com\n2,"C"x,D,b@x.com\n').rows())


def test_an_endless_row_is_refused_in_bounded_memory() -> None:
    data = HEAD.encode() + b"1,A,B,a@x.com\n" + b"x," * (3 * MAX_RECORD)
    tracemalloc.start()
    with pytest.raises(ReconcilerError, match=r"people.csv:3: a row of more than 1,000,000 characters"):
        list(opened(data).rows())
    assert tracemalloc.get_traced_memory()[1] < len(data) + 20 * MAX_RECORD
    tracemalloc.stop()


def test_a_row_that_goes_on_over_many_lines_is_refused() -> None:
    with pytest.raises(ReconcilerError, match="a row of more than"):
        list(opened(HEAD + '1,"' + '\n","' * MAX_RECORD).rows())


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MAX_BYTES", 10)
    with pytest.raises(ReconcilerError, match="larger than 10 bytes"):
        open_table(io.BytesIO(HEAD.encode()), "people.csv", lambda _: 0)


def test_nul_and_other_binary_comes_as_cells_that_are_refused_later() -> None:
    assert list(opened(HEAD + "1,A\0B,C,a@x.com\n").rows()) == [(2, ["1", "A\0B", "C", "a@x.com"])]

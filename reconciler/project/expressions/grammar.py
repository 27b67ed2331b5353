"""Reading: text → tree. LALR, so that time grows with the text's length and nothing else.

The language is Microsoft Entra ID's for attribute mappings: function calls with `[attributes]`, "texts" (escaped are
only \\" and \\\\; any other backslash stays as it is), numbers, &H hexadecimals and arguments left out; comparisons
inside the conditions of IIF and CBool; & joins texts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import UnexpectedEOF

from reconciler.errors import ExpressionError
from reconciler.project.expressions.tree import Call, Comparison, Concatenation, Literal, Missing, Name, Node, Reading

LONGEST: Final = 10_000
"""Characters an expression may have, as in the service."""
DEEPEST: Final = 100
"""Calls inside calls; evaluation recurses that deep."""

_GRAMMAR: Final = r"""
    start: value
    ?value: joined
        | joined COMPARISON joined   -> comparison
    ?joined: operand
        | operand ("&" operand)+     -> concatenation
    ?operand: WORD "(" arguments ")" -> call
        | WORD                       -> word
        | ATTRIBUTE                  -> attribute
        | TEXT                       -> text
        | NUMBER                     -> number
        | HEX                        -> hexadecimal
        | "(" value ")"
    arguments: argument (COMMA argument)*
    argument: value?

    COMMA: ","
    COMPARISON: "<>" | "<=" | ">=" | "=" | "<" | ">"
    WORD: /[A-Za-z_][A-Za-z0-9_]*/
    ATTRIBUTE: /\[[^\[\]"\n]+\]/
    TEXT: /"(?:[^"\\]|\\.)*"/s
    HEX: /&[Hh][0-9A-Fa-f]+/
    NUMBER: /-?[0-9]+(?:\.[0-9]+)?/
    %ignore /[\s\u00a0]+/
"""

_SHOWN: Final = {
    "COMMA": "a comma", "RPAR": "a closing parenthesis", "LPAR": "an opening parenthesis", "WORD": "a function",
    "ATTRIBUTE": "an [attribute]", "TEXT": 'a "text"', "NUMBER": "a number", "HEX": "a number",
    "COMPARISON": "a comparison", "AMPERSAND": "&", "$END": "the end",
}  # fmt: skip


@lru_cache(maxsize=1024)
def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError with the column."""
    if not text.strip():
        message = "the expression is empty"
        raise ExpressionError(message, column=1)
    if len(text) > LONGEST:
        message = f"the expression has {len(text)} characters; {LONGEST} are allowed"
        raise ExpressionError(message, column=LONGEST + 1)
    _refuse_depth(text)
    try:
        return cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        raise _explained(text, error) from error


@lru_cache(maxsize=1)
def _parser() -> Lark:
    # With the transformer inside, nodes are built while reading: nothing recurses.
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Build(), propagate_positions=False)


_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[()]', re.DOTALL)


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _QUOTED.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > DEEPEST:
            message = f"more than {DEEPEST} calls inside one another, at column {found.start() + 1}"
            raise ExpressionError(message, column=found.start() + 1)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    def start(self, value: Node) -> Node:
        return value

    def comparison(self, left: Node, operator: Token, right: Node) -> Node:
        return Comparison(_column(operator), str(operator), left, right)

    def concatenation(self, *parts: Node) -> Node:
        return Concatenation(parts[0].column, parts)

    def call(self, name: Token, arguments: tuple[Node, ...]) -> Node:
        return Call(_column(name), str(name), arguments)

    def word(self, name: Token) -> Node:
        return Name(_column(name), str(name))

    def attribute(self, token: Token) -> Node:
        name = token[1:-1].strip()
        if not name:
            message = f"an [attribute] without a name, at column {_column(token)}"
            raise ExpressionError(message, column=_column(token))
        return Reading(_column(token), name)

    def text(self, token: Token) -> Node:
        return Literal(_column(token), re.sub(r'\\(["\\])', r"\1", token[1:-1]))

    def number(self, token: Token) -> Node:
        return Literal(_column(token), float(token) if "." in token else int(token))

    def hexadecimal(self, token: Token) -> Node:
        return Literal(_column(token), int(f"0x{token[2:]}", 0))

    def argument(self, *value: Node) -> Node | None:
        return value[0] if value else None

    def arguments(self, *given: Any) -> tuple[Node, ...]:
        """Values and commas by turns. `F()` has no argument, `F(,)` has two that are left out."""
        if given == (None,):
            return ()
        column = _column(given[1]) if len(given) > 1 else 1
        nodes: list[Node] = []
        for each in given:
            if isinstance(each, Token):
                column = _column(each)
            else:
                nodes.append(Missing(column) if each is None else each)
        return tuple(nodes)


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _explained(text: str, error: UnexpectedInput) -> ExpressionError:
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        column, found = len(text.rstrip()) + 1, "the expression ends too early"
    elif isinstance(error, UnexpectedToken):
        column, found = _column(error.token), f"{_cut(str(error.token))} is not expected here"
    else:
        column = (error.pos_in_stream or 0) + 1
        found = _character(text, column)
    hint = ""
    expected = error.expected if isinstance(error, UnexpectedToken) else getattr(error, "allowed", None)
    if isinstance(error, (UnexpectedToken, UnexpectedCharacters)) and expected:
        hint = "expected here: " + ", ".join(sorted({_SHOWN.get(name, name) for name in expected}))
    return ExpressionError(f"{found}, at column {column}", column=column, hint=hint)


def _character(text: str, column: int) -> str:
    character = text[column - 1]
    if character == '"':
        return 'a text that begins with " is never closed'
    if character == "[":
        return "an [attribute] that is never closed, or has no name"
    if character in "'‘’“”":
        return f'{character} does not begin a text; only " does'
    return f"{character!r} means nothing here"


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"

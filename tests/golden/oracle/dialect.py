"""Splits a script of Velostream's dialect into plain SQL and the clauses that only this dialect has. Written apart from the engine's parser, so that the two check each other."""

import os
import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""(?P<blank>\s+)|(?P<line>--[^\n]*|\#[^\n]*)|(?P<block>/\*)|(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")"""
    r"""|(?P<number>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|\d+[eE][+-]?\d+|\d+)|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|<>|!=|\|\||::|.)""",
    re.X | re.S,
)


@dataclass
class Statement:
    """One statement: its stream name or None, the query as plain SQL, the sinks, and the settings."""

    name: str | None = None
    query: str = ""
    sinks: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    within: bool = False


def tokens(text):
    """Tokens as (kind, text), without blanks and comments. Block comments nest."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        kind = match.lastgroup
        at = match.end()
        if kind == "block":
            depth = 1
            while depth:
                step = re.compile(r"/\*|\*/").search(text, at)
                depth += 1 if step.group() == "/*" else -1
                at = step.end()
        elif kind not in ("blank", "line"):
            found.append((kind, match.group()))
    return found


def statements(script):
    """The statements of a script."""
    parts, part = [], []
    for token in tokens(script) + [("sign", ";")]:
        if token == ("sign", ";"):
            if part:
                parts.append(_statement(part))
            part = []
        else:
            part.append(token)
    return parts


def _is(part, at, *words):
    return all(at + n < len(part) and part[at + n][1].upper() == word for n, word in enumerate(words))


def _statement(part):
    result, query, at, depth = Statement(), [], 0, 0
    if _is(part, 0, "CREATE", "STREAM"):
        result.name, at = _unquoted(part[2]), 4
    while at < len(part):
        kind, text = part[at]
        depth += {"(": 1, ")": -1}.get(text, 0)
        if _is(part, at, "WITHIN", "INTERVAL"):
            result.within = True
            at += 4
        elif depth == 0 and kind == "word" and text.upper() == "INTO" and part[at - 1][1] != ".":
            at += 1
            while True:
                result.sinks.append(_unquoted(part[at]))
                at += 1
                if not _is(part, at, ","):
                    break
                at += 1
        elif depth == 0 and _is(part, at, "WITH", "(") and (part[at + 2][0] == "text" or part[at + 2][1] == ")"):
            entries = [token for token in part[at + 2 : -1] if token[1] not in (",", "=")]
            result.settings = {_unquoted(key): substitute(_unquoted(value)) for key, value in zip(entries[::2], entries[1::2])}
            at = len(part)
        else:
            # A literal with a decimal point is a DOUBLE in this dialect, a DECIMAL in DuckDB.
            query.append(f"CAST({text} AS DOUBLE)" if kind == "number" and not text.isdigit() else text)
            at += 1
    result.query = " ".join(query)
    return result


def _unquoted(token):
    kind, text = token
    if kind in ("text", "name"):
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def substitute(value):
    """`${NAME}` and `${NAME:-default}`."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1], m[2]), value)


def header(script, name, default):
    """The value of a `-- name: value` line at the top of a script."""
    match = re.search(rf"^-- {name}: *(.*?) *$", script, re.M)
    return match[1] if match else default


def owner_settings(statement, owner):
    """The settings of one source or sink, with the role prefix dropped and aliases resolved."""
    found = {}
    for key, value in statement.settings.items():
        if key.startswith(owner + "."):
            key = key[len(owner) + 1 :]
            key = key.split(".", 1)[1] if key.startswith(("source.", "sink.")) else key
            found[{"value.format": "format"}.get(key, key)] = value
    return found

"""DuckDB as the engine that says what is expected: sources become tables, results become JSON lines."""

import datetime
import decimal
import gzip
import json
import re
from pathlib import Path

import duckdb

TEXT_TYPES = {"STRING": "VARCHAR", "TEXT": "VARCHAR", "BYTEA": "VARCHAR"}


def connect():
    """A connection with the settings that make it agree with PostgreSQL on division, time zone and the place of NULL."""
    connection = duckdb.connect()
    for setting in ("TimeZone='UTC'", "integer_division=true", "default_null_order='nulls_last_on_asc_first_on_desc'", "threads=1"):
        connection.execute(f"SET {setting}")
    return connection


def split_top(text):
    """Splits at the commas that stand outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def columns(schema):
    """`id BIGINT NOT NULL, …` as {name: DuckDB type}."""
    found = {}
    for column in split_top(schema):
        name, kind = re.match(r'("(?:[^"]|"")+"|\w+)\s*:?\s*(.*)$', column, re.S).groups()
        found[name.strip('"')] = duck_type(re.sub(r"\s+NOT\s+NULL$", "", kind, flags=re.I))
    return found


def duck_type(kind):
    """A type of the dialect in DuckDB's words."""
    match = re.match(r"^\s*(\w+)\s*(?:<(.*)>|(\(.*\)))?\s*$", kind, re.S)
    word, inner, arguments = match[1].upper(), match[2], match[3]
    if word in ("ARRAY", "LIST"):
        return duck_type(inner) + "[]"
    if word in ("STRUCT", "ROW"):
        return "STRUCT(" + ", ".join(f'"{name}" {inner_type}' for name, inner_type in columns(inner).items()) + ")"
    if word == "MAP":
        return "MAP(" + ", ".join(duck_type(part) for part in split_top(inner)) + ")"
    if word == "TIMESTAMP":
        return "TIMESTAMPTZ"
    return TEXT_TYPES.get(word, word) + (arguments or "")


def quoted(text):
    """A text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


def files(folder, path):
    """The files that a path stands for: a file, a folder, or a pattern."""
    place = folder / path
    if place.is_dir():
        return sorted(file for file in place.rglob("*") if file.is_file())
    return sorted(folder.glob(path)) if "*" in path else [place]


def inferred(paths, kind, settings):
    """Columns of a source without declared ones: whole numbers, numbers, truth values, else text."""
    values = {}
    if kind == "csv":
        import csv

        with open(paths[0], encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter=settings.get("delimiter", ",")):
                for name, value in row.items():
                    values.setdefault(name, []).append(value)
        for name, texts in values.items():
            texts = [text for text in texts if text]
            number = all(re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text) for text in texts)
            whole = number and not any("." in text for text in texts)
            truth = texts and all(text in ("true", "false") for text in texts)
            values[name] = "BIGINT" if texts and whole else "DOUBLE" if texts and number else "BOOLEAN" if truth else "VARCHAR"
        return values
    for row in json_rows(paths):
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    for name, found in values.items():
        kinds = {type(value) for value in found} - {type(None)}
        values[name] = {frozenset({int}): "BIGINT", frozenset({float}): "DOUBLE", frozenset({int, float}): "DOUBLE", frozenset({bool}): "BOOLEAN"}.get(frozenset(kinds), "VARCHAR")
        assert not kinds & {dict, list}, f"{name}: nested values need a declared schema"
    return values


def json_rows(paths):
    """The objects of JSON files: lines, one object, or one array."""
    for path in paths:
        opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8-sig")
        with opened as file:
            text = file.read().strip()
        if text.startswith("["):
            yield from json.loads(text)
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())


def make_table(connection, name, folder, settings):
    """A table with the rows of a source, in file order."""
    paths = files(folder, settings["path"])
    suffix = [part for part in paths[0].suffixes if part != ".gz"][-1][1:]
    kind = settings.get("format", suffix)
    kind = {"jsonl": "json", "jsonlines": "json", "ndjson": "json"}.get(kind, kind)
    listed = "[" + ", ".join(quoted(path) for path in paths) + "]"
    if kind == "parquet":
        source = f"read_parquet({listed})"
    else:
        typed = columns(settings["schema"]) if "schema" in settings else inferred(paths, kind, settings)
        listing = "{" + ", ".join(f"{quoted(column)}: {quoted(type_)}" for column, type_ in typed.items()) + "}"
        if not any(path.stat().st_size for path in paths):
            shape = ", ".join(f'"{column}" {type_}' for column, type_ in typed.items())
            connection.execute(f'CREATE TABLE "{name}" ({shape})')
            return
        if kind == "json":
            array = any(path.suffix == ".json" and path.read_text(encoding="utf-8").lstrip().startswith("[") for path in paths)
            shape = "array" if array else "newline_delimited"
            source = f"read_json({listed}, columns={listing}, format='{shape}', maximum_object_size=1000000)"
        else:
            source = csv_source(paths, typed, settings)
    connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM {source}')


def csv_source(paths, typed, settings):
    """A CSV: a header gives the order in the file, the schema the order of the columns. Empty is NULL, "" is the empty text."""
    headed = settings.get("has_headers", "true") == "true"
    delimiter = settings.get("delimiter", ",")
    names = list(typed)
    if headed:
        with open(paths[0], encoding="utf-8-sig") as file:
            names = [name.strip('"') for name in file.readline().rstrip("\r\n").split(delimiter)]
    types = "{" + ", ".join(f"{quoted(name)}: {quoted(typed.get(name, 'VARCHAR'))}" for name in names) + "}"
    listed = "[" + ", ".join(quoted(path) for path in paths) + "]"
    wanted = ", ".join(f'"{name}"' for name in typed)
    return (
        f"(SELECT {wanted} FROM read_csv({listed}, header={str(headed).lower()}, columns={types}, delim={quoted(delimiter)}, quote='\"', escape='\"', "
        "nullstr='', allow_quoted_nulls=false, auto_detect=false))"
    )


class Number(float):
    """A number printed with the digits of its text."""

    def __new__(cls, text):
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __repr__(self):
        return self.text


def shown(value):
    """A value as it stands in expected.jsonl."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, decimal.Decimal):
        return Number(format(value, "f"))
    if isinstance(value, float):
        return Number(repr(value))
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc)
        micros = value.microsecond
        digits = "" if not micros else f".{micros // 1000:03}" if micros % 1000 == 0 else f".{micros:06}"
        return value.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): shown(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(inner) for inner in value]
    raise TypeError(f"no form for {type(value)}: {value!r}")


def line(names, row):
    """A row as one JSON object."""
    if len(set(names)) != len(names):
        raise ValueError(f"two columns of one name: {names}")
    return encode({name: shown(value) for name, value in zip(names, row)})


def encode(value):
    """JSON with numbers digit by digit."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{encode(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def rows(connection, query):
    """The result of a query as JSON lines."""
    result = connection.execute(query)
    names = [column[0] for column in result.description]
    return [line(names, row) for row in result.fetchall()]

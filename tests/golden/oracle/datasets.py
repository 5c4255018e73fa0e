"""Sample data, made from a seed per data set. A case gets a generated file for every `inputs/<data set>.<format>` that its query.sql names; other files are written by hand."""

import csv
import datetime
import io
import json
import random

from . import dialect

EPOCH = datetime.datetime(2024, 3, 1, 8, 0, 0)
MISSING = object()

SCHEMAS = {
    "orders": "id BIGINT, customer_id BIGINT, product_id BIGINT, quantity BIGINT, amount DECIMAL(10,2), status VARCHAR, region VARCHAR, order_date DATE, note VARCHAR, ts TIMESTAMP",
    "customers": "id BIGINT, name VARCHAR, tier VARCHAR, email VARCHAR, city VARCHAR, active BOOLEAN, since DATE, credit DECIMAL(10,2), score DOUBLE",
    "products": "id BIGINT, sku VARCHAR, name VARCHAR, category VARCHAR, price DECIMAL(10,2), weight DOUBLE, active BOOLEAN",
    "regions": "code VARCHAR, label VARCHAR, country VARCHAR",
    "blocked": "customer_id BIGINT, reason VARCHAR",
    "events": "event_id BIGINT, user_id BIGINT, timestamp TIMESTAMP, location VARCHAR, status VARCHAR, name VARCHAR, message VARCHAR, category VARCHAR, email VARCHAR, "
    "tier VARCHAR, metadata VARCHAR, properties VARCHAR, active BOOLEAN, alert VARCHAR, click BIGINT, purchase DECIMAL(10,2), transactions BIGINT",
    "carts": "id BIGINT, customer STRUCT<id BIGINT, name VARCHAR, address STRUCT<city VARCHAR, zip VARCHAR>>, items ARRAY<STRUCT<sku VARCHAR, qty BIGINT, price DECIMAL(10,2)>>, "
    "tags ARRAY<VARCHAR>, attributes MAP<VARCHAR, VARCHAR>",
    "clicks": "click_id BIGINT, user_id BIGINT, page VARCHAR, campaign VARCHAR, ts TIMESTAMP",
    "purchases": "purchase_id BIGINT, user_id BIGINT, amount DECIMAL(10,2), ts TIMESTAMP",
    "views": "view_id BIGINT, user_id BIGINT, page VARCHAR, ts TIMESTAMP",
    "temperature": "sensor VARCHAR, temperature DOUBLE, ts TIMESTAMP",
    "humidity": "sensor VARCHAR, humidity DOUBLE, ts TIMESTAMP",
    "pressure": "sensor VARCHAR, pressure DOUBLE, ts TIMESTAMP",
    "readings": "reading_id BIGINT, device VARCHAR, value BIGINT, ts TIMESTAMP",
    "measures": "id BIGINT, a BIGINT, b BIGINT, x DOUBLE, y DOUBLE, d DECIMAL(12,4), e DECIMAL(8,2), flag BOOLEAN, code VARCHAR",
    "camel": "orderId BIGINT, customerId BIGINT, unitPrice DECIMAL(10,2), itemCount BIGINT, shipTo STRUCT<streetName VARCHAR, zipCode VARCHAR>",
    "staff": "id BIGINT, name VARCHAR, manager_id BIGINT, salary BIGINT",
}

NAMES = ["Ann", "Bob", "Çelik", "Dvořák", "Éva", "Françoise", "Giorgos Παπαδόπουλος", "李雷", "Jörg", "O'Neil", "Жанна", "Ñandú", 'Kim "K" Lee', "a\\b", "Zoë", "naïve 🦆"]
CITIES = ["Berlin", "Łódź", "東京", "São Paulo", "Wien", "Oslo"]


def pick(rng, values, null=0.12):
    """One of the values, or NULL, or nothing at all."""
    if rng.random() < null:
        return None if rng.random() < 0.5 else MISSING
    return rng.choice(values)


def instant(seconds, micros=0):
    """Seconds after the start of the data as a UTC time."""
    time = EPOCH + datetime.timedelta(seconds=seconds, microseconds=micros)
    digits = f".{time.microsecond:06}" if time.microsecond % 1000 else f".{time.microsecond // 1000:03}" if time.microsecond else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"


def money(rng, low=1, high=500):
    """A decimal with two digits, as JSON number text keeps it."""
    return round(rng.randint(low * 100, high * 100) / 100, 2)


def day(rng):
    """A date of the turn of the year."""
    return (datetime.date(2023, 11, 15) + datetime.timedelta(days=rng.randint(0, 90))).isoformat()


def _orders(rng):
    for n in range(1, 41):
        note = pick(rng, ["", "rush", "Grüße, 世界", 'say "hi"', "it's late", "a;b,c", "tab\there", "two\nlines", "100% off", "under_score"], 0.25)
        row = [n if n != 17 else 16, pick(rng, [1, 2, 3, 4, 5, 6, 7, 8, 40, 41]), pick(rng, list(range(1, 14)), 0.08), pick(rng, [0, 1, 2, 3, 5, 12]), pick(rng, [money(rng), money(rng), money(rng), 100, 0, -15.5, 99.99])]
        row += [pick(rng, ["new", "paid", "shipped", "cancelled"]), pick(rng, ["EU", "US", "APAC", "LATAM"]), pick(rng, [day(rng), "2024-01-01"]), note]
        yield [*row, instant(n * 37 + rng.randint(0, 30), rng.choice([0, 250000, 123456]))]


def _customers(rng):
    for n in range(1, 19):
        key = {9: None, 12: 3, 15: 5, 16: None}.get(n, n)
        yield [key, pick(rng, NAMES, 0.06), pick(rng, ["gold", "silver", "bronze"]), pick(rng, [f"user{n}@example.com", f"U{n}@Example.ORG"]), pick(rng, CITIES), pick(rng, [True, False])] + [
            pick(rng, [day(rng)]), pick(rng, [money(rng, 0, 2000), 500]), pick(rng, [0.5, 0.25, 12.125, 99.0, -3.75])]


def _products(rng):
    for n in range(1, 13):
        yield [n if n != 8 else 7, f"SKU-{n:03}", pick(rng, ["Pen", "Stift", "ペン", "Bag", "Mug"]), pick(rng, ["office", "travel", "kitchen"]), pick(rng, [money(rng, 1, 90)])] + [
            pick(rng, [0.1, 0.25, 1.5, 3.0]), pick(rng, [True, True, False])]


def _regions(rng):
    yield from [["EU", "Europe", "DE"], ["US", "United States", "US"], ["APAC", "Asia–Pacific", "JP"], [None, "unknown", None], ["AFR", "Africa", "KE"], ["EU", "Europa", "AT"]]


def _blocked(rng):
    yield from [[2, "fraud"], [5, None], [5, "again"], [None, "no key"], [77, "unused"], [41, "closed"]]


def _events(rng):
    for n in range(1, 31):
        row = [n, pick(rng, [1, 2, 3, 4]), instant(n * 61, rng.choice([0, 0, 500000])), pick(rng, CITIES), pick(rng, ["ok", "failed"]), pick(rng, NAMES), pick(rng, ["disk full", "Ünknown", ""])]
        row += [pick(rng, ["CRITICAL", "HIGH", "LOW"]), pick(rng, ["a@b.c", "x@y.z"]), pick(rng, ["gold", "silver"]), pick(rng, ["{}", '{"k":1}']), pick(rng, ["p1", "p2"]), pick(rng, [True, False])]
        yield [*row, pick(rng, ["red", "amber"]), pick(rng, [0, 1, 7]), pick(rng, [money(rng)]), pick(rng, [1, 2, 3])]


def _carts(rng):
    for n in range(1, 25):
        address = pick(rng, [{"city": rng.choice(CITIES), "zip": f"{rng.randint(1, 99999):05}"}, {"city": None, "zip": "00001"}])
        customer = pick(rng, [{"id": rng.randint(1, 8), "name": rng.choice(NAMES), "address": address}])
        if isinstance(customer, dict) and address is MISSING:
            del customer["address"]
        items = [{"sku": f"SKU-{rng.randint(1, 12):03}", "qty": pick(rng, [1, 2, 10]), "price": money(rng, 1, 50)} for _ in range(rng.randint(0, 4))]
        items = [{key: value for key, value in item.items() if value is not MISSING} for item in items]
        tags = pick(rng, [[], ["new"], ["vip", "gift"], ["日本", None, "x"]])
        attributes = pick(rng, [{}, {"color": "red"}, {"color": "blue", "size": "L"}, {"size": None, "färbe": "grün"}])
        yield [n, customer, pick(rng, [items], 0.1), tags, attributes]


def _timed(rng, rows, span, make):
    times = sorted(rng.sample(range(0, span), rows))
    for n, seconds in enumerate(times, 1):
        yield make(n, instant(seconds, rng.choice([0, 0, 500000])))


def _clicks(rng):
    yield from _timed(rng, 36, 2700, lambda n, ts: [n, pick(rng, [1, 2, 3, 4]), pick(rng, ["/", "/cart", "/söke"]), pick(rng, ["spring", "brand"]), ts])
    yield [37, 9, "/edge", "bounds", instant(6000)]
    yield [38, 9, "/edge", "bounds", instant(6600)]
    yield [39, 3, "/no-time", None, None]


def _purchases(rng):
    yield from _timed(rng, 24, 2700, lambda n, ts: [n, pick(rng, [1, 2, 3, 5]), pick(rng, [money(rng)]), ts])
    yield [25, 9, 1.0, instant(6300)]
    yield [26, 9, 2.0, instant(6300, 1)]
    yield [27, 3, 3.5, None]


def _views(rng):
    yield from _timed(rng, 24, 2700, lambda n, ts: [n, pick(rng, [1, 2, 3, 5]), pick(rng, ["/", "/cart", "/help"]), ts])


def _sensor(rng, low, step):
    for n in range(12):
        for sensor in ("s1", "s2", "s3"):
            if rng.random() < 0.85:
                yield [sensor if rng.random() > 0.05 else None, pick(rng, [low + step * rng.randint(0, 40)], 0.1), instant(n * 60 + rng.randint(0, 29) + {"s1": 0, "s2": 30, "s3": 15}[sensor])]


def _readings(rng):
    """Rows that come up to 4 s late, several of a second, some without a time."""
    rows = [[pick(rng, ["d1", "d2", "d3"], 0.08), pick(rng, list(range(1, 12)), 0.1), rng.randint(0, 180)] for _ in range(90)]
    rows.sort(key=lambda row: row[2] + rng.uniform(0, 4))
    for n, (device, value, seconds) in enumerate(rows, 1):
        yield [n, device, value, instant(seconds)]
        if n in (20, 60):
            yield [100 + n, "d1", n, None]


def _measures(rng):
    for n in range(1, 31):
        yield [n, pick(rng, [-7, -1, 0, 2, 9, 10**12]), pick(rng, [1, 2, 3, -4]), pick(rng, [0.5, -1.25, 3.0, 1e10, 0.0]), pick(rng, [2.0, -0.5, 8.0]), pick(rng, [1.2345, -0.0001, 1000, 99.5])] + [
            pick(rng, [0.01, 12.34, -5, 3.3]), pick(rng, [True, False]), pick(rng, ["12", "-3", "abc", "", "7.5", "0012"])]


def _camel(rng):
    for n in range(1, 16):
        yield [n, pick(rng, [1, 2, 3]), pick(rng, [money(rng, 1, 30)]), pick(rng, [1, 2, 3]), pick(rng, [{"streetName": "Hauptstraße", "zipCode": "10115"}, {"streetName": None, "zipCode": "00042"}])]


def _staff(rng):
    yield from [[1, "Ann", None, 900], [2, "Bob", 1, 700], [3, "Çelik", 1, 700], [4, "李雷", 2, 500], [5, None, 2, 650], [6, "Zoë", 99, 400], [7, "Jörg", 3, None], [8, "Éva", None, 300], [8, "Eva", 3, 310],
                [None, "Nobody", 3, 100]]


MAKERS = {
    "orders": _orders, "customers": _customers, "products": _products, "regions": _regions, "blocked": _blocked, "events": _events, "carts": _carts, "clicks": _clicks,
    "purchases": _purchases, "views": _views, "temperature": lambda rng: _sensor(rng, 15.0, 0.5), "humidity": lambda rng: _sensor(rng, 30.0, 0.25),
    "pressure": lambda rng: _sensor(rng, 990.0, 1.25), "readings": _readings, "measures": _measures, "camel": _camel, "staff": _staff,
}  # fmt: skip


def column_names(name):
    """The columns of a data set, in order."""
    from .engine import columns

    return list(columns(SCHEMAS[name]))


def rows(name):
    """The rows of a data set as objects; a missing field is left out."""
    names = column_names(name)
    return [{key: value for key, value in zip(names, row, strict=True) if value is not MISSING} for row in MAKERS[name](random.Random(f"velostream {name}"))]


def content(name, form):
    """A data set as JSON lines, a JSON array, or CSV."""
    found = rows(name)
    if form == "json":
        return "[\n" + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in found) + "\n]\n"
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column_names(name))
    lines = [out.getvalue()]
    for row in found:
        lines.append(",".join(cell(row.get(key)) for key in column_names(name)) + "\n")
    return "".join(lines)


def cell(value):
    """A CSV cell: NULL is empty, the empty text is in quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if text == "" or any(c in text for c in ',;"\n\r\t') else text


def write_inputs(case, again):
    """Writes the generated inputs that a case names and that are not there (or all of them, with `again`)."""
    for statement in dialect.statements((case / "query.sql").read_text(encoding="utf-8")) if not (case / "expected_error.txt").exists() else []:
        for key, value in statement.settings.items():
            path = case / value
            name, form = path.stem, path.suffix[1:]
            if not key.endswith(".path") or path.parent.name != "inputs" or name not in MAKERS or (path.exists() and not again):
                continue
            if form == "parquet":
                _write_parquet(name, path)
                continue
            path.parent.mkdir(exist_ok=True)
            path.write_text(content(name, form), encoding="utf-8")


def _write_parquet(name, path):
    from . import engine

    path.parent.mkdir(exist_ok=True)
    lines = path.with_suffix(".jsonl.tmp")
    lines.write_text(content(name, "jsonl"), encoding="utf-8")
    listing = "{" + ", ".join(f"{engine.quoted(column)}: {engine.quoted(kind)}" for column, kind in engine.columns(SCHEMAS[name]).items()) + "}"
    engine.connect().execute(
        f"COPY (SELECT * FROM read_json({engine.quoted(lines)}, columns={listing}, format='newline_delimited')) TO {engine.quoted(path)} (FORMAT parquet, COMPRESSION snappy)"
    )
    lines.unlink()

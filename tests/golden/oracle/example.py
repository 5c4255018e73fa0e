"""The rows that configs/examples/ecommerce.sql must give over some thousand orders, which the test on a real broker sends. Too large for a golden case, so it is packed."""

import csv
import gzip
import io
import json
import random
import tempfile
from pathlib import Path

from . import dialect, engine

ORDERS = 3_000


def orders(rng):
    """Orders of known and unknown customers and products, some of nothing."""
    for n in range(1, ORDERS + 1):
        customer = rng.choice([None, *range(1, 60)])
        at = f"2026-01-31T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}{rng.choice(['', '.250', '.123456'])}Z"
        yield {"order_id": n, "customer_id": customer, "product_id": rng.randint(1, 24), "quantity": rng.choice([None, -1, 0, 1, 1, 2, 3, 5, 40]), "ordered_at": at}


def customers(rng):
    """One of them twice, some without a tier."""
    names = ["Ann", "Bob", "Çelik", "Dvořák", "李雷", "O'Neil", "Kim, Lee"]
    rows = [[n, f"{rng.choice(names)} {n}", rng.choice(["gold", "silver", "bronze", ""])] for n in range(1, 51)]
    return [*rows, [7, "Ann again", "gold"]]


def products(rng):
    """Prices to the cent."""
    return [{"id": n, "name": f"product {n}", "price": round(rng.randint(5, 60_000) / 100, 2)} for n in range(1, 21)]


def texts(script):
    """{file name: text} of the example."""
    rng = random.Random("velostream ecommerce")
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([["id", "name", "tier"], *customers(rng)])
    lines = lambda rows: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    made = {"customers.csv": table.getvalue(), "products.json": lines(products(rng)), "orders.jsonl.gz": lines(orders(rng))}
    (statement,) = dialect.statements(script)
    connection = engine.connect()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.items():
            write(Path(folder) / name, text)
            engine.make_table(connection, name.split(".")[0], Path(folder), {**dialect.owner_settings(statement, name.split(".")[0]), "path": name})
    return {**made, "expected.jsonl.gz": "".join(sorted(line + "\n" for line in engine.rows(connection, statement.query)))}


def read(path):
    """The text of a file, unpacked."""
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")


def write(path, text):
    """Writes a text, packed where the name says so, the same bytes each time."""
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())

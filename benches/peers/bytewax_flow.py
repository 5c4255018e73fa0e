"""Bytewax. It has no SQL: the query is Python, with orjson for the JSON."""

import os

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow


def answer(message):
    row = orjson.loads(message.value)
    if row["quantity"] <= 0:
        return None
    amount = row["amount"]
    out = {
        "order_id": row["order_id"],
        "customer_id": row["customer_id"],
        "gross": amount * 1.1,
        "band": "high" if amount > 500 else "mid" if amount > 100 else "low",
        "status": row["status"],
        "ts": row["ts"],
    }
    return KafkaSinkMessage(None, orjson.dumps(out))


brokers = [os.environ["BROKERS"]]
flow = Dataflow("peer")
# The sink flushes after each batch, so large batches are faster than the usual 1000.
source = kop.input("in", flow, brokers=brokers, topics=[os.environ["IN"]], tail=False, batch_size=10_000)
kop.output("out", op.filter_map("query", source.oks, answer), brokers=brokers, topic=os.environ["OUT"])

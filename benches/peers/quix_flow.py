"""Quix Streams. The query is Python over dictionaries."""

import os

from quixstreams import Application

app = Application(
    broker_address=os.environ["BROKERS"],
    consumer_group=os.environ["GROUP"],
    auto_offset_reset="earliest",
    auto_create_topics=False,
    state_dir=os.environ["SCRATCH"],
    producer_extra_config={"linger.ms": 20},
)


def answer(row):
    amount = row["amount"]
    return {
        "order_id": row["order_id"],
        "customer_id": row["customer_id"],
        "gross": amount * 1.1,
        "band": "high" if amount > 500 else "mid" if amount > 100 else "low",
        "status": row["status"],
        "ts": row["ts"],
    }


orders = app.dataframe(app.topic(os.environ["IN"], value_deserializer="json"))
orders.filter(lambda row: row["quantity"] > 0).apply(answer).to_topic(app.topic(os.environ["OUT"], value_serializer="json"))
app.run()

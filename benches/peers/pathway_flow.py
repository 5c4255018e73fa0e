"""Pathway. The query is an expression over a table that the engine, written in Rust, works out."""

import os

import pathway as pw


class Order(pw.Schema):
    order_id: int
    customer_id: int
    product_id: int
    quantity: int
    amount: float
    status: str
    ts: str


kafka = {"bootstrap.servers": os.environ["BROKERS"]}
t = pw.io.kafka.read(
    {**kafka, "group.id": os.environ["GROUP"], "auto.offset.reset": "earliest"},
    topic=os.environ["IN"],
    schema=Order,
    format="json",
    # A short commit, so that the first output comes soon after the first input and the clock begins there.
    autocommit_duration_ms=100,
)
out = t.filter(pw.this.quantity > 0).select(
    pw.this.order_id,
    pw.this.customer_id,
    gross=pw.this.amount * 1.1,
    band=pw.if_else(pw.this.amount > 500, "high", pw.if_else(pw.this.amount > 100, "mid", "low")),
    status=pw.this.status,
    ts=pw.this.ts,
)
pw.io.kafka.write(out, {**kafka, "linger.ms": "20"}, os.environ["OUT"], format="json")
pw.run(monitoring_level=pw.MonitoringLevel.NONE)

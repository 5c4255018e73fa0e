"""Runs one engine from a topic to a topic and prints one JSON line about it.

    measure.py expect BROKERS IN COUNT              what the right output sums up to
    measure.py run EXPECTED BROKERS IN COUNT PEER VERSION LOG COMMAND...

The command finds BROKERS, IN, OUT and GROUP in its environment. It may end by itself or go on; it is stopped once the output is complete.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import orjson
from confluent_kafka import Consumer, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

PARTITIONS = 4
# Without any progress for so long, a peer has failed.
PATIENCE = float(os.environ.get("PEERS_PATIENCE", "60"))
TICK = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")
HERTZ = os.sysconf("SC_CLK_TCK")


def end_offsets(admin, topic, count):
    asked = {TopicPartition(topic, p): OffsetSpec.latest() for p in range(count)}
    answers = admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED)
    return [f.result().offset for f in answers.values()]


def await_leaders(admin, topic, count):
    """A topic just made has no leaders yet."""
    for _ in range(100):
        try:
            return end_offsets(admin, topic, count)
        except KafkaException:
            time.sleep(0.1)
    raise RuntimeError(f"{topic} has no leaders")


def messages(brokers, topic):
    """All that the topic holds now."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "peers-measure", "enable.auto.commit": False})
    count = len(consumer.list_topics(topic, 10).topics[topic].partitions)
    left, start = 0, []
    for p in range(count):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, p), 10)
        left += high - low
        start.append(TopicPartition(topic, p, low))
    consumer.assign(start)
    while left > 0:
        got = consumer.consume(min(left, 10_000), 5)
        if not got:
            raise RuntimeError(f"{topic}: {left} messages could not be read")
        for message in got:
            if message.error():
                raise RuntimeError(str(message.error()))
        left -= len(got)
        yield from got
    consumer.close()


def summary():
    return {"rows": 0, "ids": 0, "gross": 0.0, "high": 0, "mid": 0, "low": 0}


def add(total, order_id, gross, band):
    total["rows"] += 1
    total["ids"] += order_id
    total["gross"] += gross
    total[band] += 1


def expect(brokers, topic, count):
    total, seen = summary(), 0
    for message in messages(brokers, topic):
        row = orjson.loads(message.value())
        seen += 1
        if row["quantity"] > 0:
            amount = row["amount"]
            add(total, row["order_id"], amount * 1.1, "high" if amount > 500 else "mid" if amount > 100 else "low")
    if seen != count:
        sys.exit(f"{topic} holds {seen} messages, not {count}")
    print(json.dumps(total))


def difference(expected, got):
    """What is wrong with an output, or nothing. The sum of floats depends on their order."""
    wrong = [f"{k} {got[k]} instead of {v}" for k, v in expected.items() if k != "gross" and got[k] != v]
    if abs(got["gross"] - expected["gross"]) > 1e-6 * abs(expected["gross"]):
        wrong.append(f"gross {got['gross']} instead of {expected['gross']}")
    return ", ".join(wrong)


def used(session):
    """CPU seconds and resident bytes of the processes of a session, with the children that they have waited for."""
    ticks = pages = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
            pages += int(fields[21])
    return ticks / HERTZ, pages * PAGE


def stop(process):
    """Ends what this script has started: the whole session of the peer."""
    for sign, wait in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def tail(log):
    with open(log, errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    told = [line for line in lines if "Error" in line or "Exception" in line or "error" in line]
    return (told or lines or ["no output"])[-1][:300]


def run(expected, brokers, topic, count, peer, version, log, command):
    expected = json.load(open(expected))
    admin = AdminClient({"bootstrap.servers": brokers})
    out = f"peer-{peer}-{random.randrange(16**6):06x}"
    # The broker's own clock says when each message has arrived.
    created = admin.create_topics([NewTopic(out, PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"})])
    created[out].result()
    await_leaders(admin, out, PARTITIONS)
    result = {"peer": peer, "version": version, "messages": count}
    started = time.time()
    with open(log, "w") as file:
        env = {**os.environ, "BROKERS": brokers, "IN": topic, "OUT": out, "GROUP": out}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env, start_new_session=True)
    try:
        seen, progress, peak, tick = 0, started, 0, 0
        cpu = cpu_at_first = None
        while True:
            ended = process.poll() is not None
            rows = sum(end_offsets(admin, out, PARTITIONS))
            first = rows > 0 and cpu_at_first is None
            if rows > seen:
                seen, progress = rows, time.time()
            done = rows >= expected["rows"]
            if not ended and (first or done or tick % 4 == 0):
                cpu, memory = used(process.pid)
                peak = max(peak, memory)
                if first:
                    cpu_at_first = cpu
            if done:
                break
            if ended:
                raise RuntimeError(f"ended with {process.returncode} after {rows} of {expected['rows']} rows: {tail(log)}")
            if time.time() - progress > PATIENCE:
                raise RuntimeError(f"no progress for {PATIENCE:.0f} s after {rows} of {expected['rows']} rows: {tail(log)}")
            tick += 1
            time.sleep(TICK)
        # Rows too many come soon after.
        time.sleep(0.5)
        stop(process)
        got, times = summary(), {}
        for message in messages(brokers, out):
            row = orjson.loads(message.value())
            add(got, row["order_id"], row["gross"], row["band"])
            at = message.timestamp()[1]
            times[at] = times.get(at, 0) + 1
        wrong = difference(expected, got)
        if wrong:
            raise RuntimeError(f"wrong output: {wrong}")
        begin, end = min(times), max(times)
        seconds = (end - begin) / 1000
        # What came with the first append was worked on before the clock began.
        share = 1 - times[begin] / got["rows"]
        result["seconds"] = round(seconds, 3)
        result["rate"] = round(count * share / seconds) if seconds else None
        result["cpu_seconds"] = round(cpu - cpu_at_first, 2)
        result["peak_mb"] = round(peak / 2**20)
        result["wall_seconds"] = round(end / 1000 - started, 3)
        result["cpu_seconds_with_start"] = round(cpu, 2)
        result["rows"] = got["rows"]
    except Exception as error:
        result["error"] = str(error)
    finally:
        stop(process)
        admin.delete_topics([out])[out].result()
    print(json.dumps(result), flush=True)
    return 1 if "error" in result else 0


if __name__ == "__main__":
    if sys.argv[1] == "expect":
        expect(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(run(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), *sys.argv[6:9], sys.argv[9:]))

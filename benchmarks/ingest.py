"""How fast events get from the source into Kafka: (a) as is often done, with a GET and a flush for each record; (b) as we do it;
(c) by Kafka's own ProducerPerformance, which has the messages in memory and needs no source.

All three write to topics of the same shape on the same broker, with idempotence and acks=all. (c) sends the same lines as (b)
and runs with two compressions, of which the better one counts. (b) and (c) take turns, and the median of the turns counts. A
large run measures memory, so it has one turn.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from itertools import takewhile
from pathlib import Path

import httpx
import orjson
import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.history import make_history, read_pages
from benchmarks.outcome import Goal, Outcome
from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from infra.stack.stack import JARS, Stack, find_java
from infra.stack.supervise import Supervisor
from source_server.intake import mapping_for, store

EVENTS = 500_000
TURNS, LARGE = 3, 2.0
NAIVE_SECONDS = 10.0
COMPRESSIONS = ("zstd", "lz4")
#: The peer's topic, with as many partitions as events.raw.
PEER_TOPIC = "bench.peer"
MOST_PEER_LINES = 500_000  # the peer holds them all in memory and sends them repeatedly in random order
MEMORY_MB = 300


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("ingest")
    events, count = round(EVENTS * scale), TURNS if scale <= LARGE else 1
    history = _make_history(stack, events)
    lines, rows = _import_history(stack, history, count, outcome)
    naive = _run_naive(stack, history.stem)
    turns = [
        (_run_ours(stack, _copy(history, turn)), {c: _run_peer(stack, lines, rows, c) for c in COMPRESSIONS})
        for turn in range(count)
    ]
    ours = statistics.median(rate for (rate, _), _ in turns)
    peer = {c: statistics.median(rates[c] for _, rates in turns) for c in COMPRESSIONS}
    outcome.measure("(a) a GET and a flush for each record", naive, "events/s", f"for {NAIVE_SECONDS:.0f} s")
    outcome.measure("(b) ours, source to Kafka", ours, "events/s", f"median of {count}")
    for compression, rate in peer.items():
        outcome.measure(f"(c) ProducerPerformance, {compression}", rate, "events/s", "has the messages in memory")
    source_mb, producer_mb = _read_peak_mb(Supervisor(stack).state("source").pid), max(mb for (_, mb), _ in turns)
    outcome.measure("peak memory of the source", source_mb, "MB")
    outcome.measure("peak memory of the producer", producer_mb, "MB")
    outcome.goals += [
        Goal("(b) / (a)", ours / naive, 20),
        Goal("(b) / the better (c)", ours / max(peer.values()), 0.5),
        Goal("memory of the source, MB", source_mb, MEMORY_MB, at_least=False),
        Goal("memory of the producer, MB", producer_mb, MEMORY_MB, at_least=False),
    ]
    return outcome


def _make_history(stack: Stack, events: int) -> Path:
    path = stack.state / "bench-0.parquet"
    make_history(path, events)
    return path


def _copy(history: Path, turn: int) -> Path:
    """The same rows under another name: a data set that has not been sent yet."""
    path = history.with_name(f"bench-{turn}.parquet")
    if not path.exists():
        path.hardlink_to(history)
    return path


def _import_history(stack: Stack, history: Path, turns: int, outcome: Outcome) -> tuple[Path, int]:
    """Import the data sets of all turns; return a file of the lines for the peer, and the number of rows."""
    for turn in range(turns):
        copy, start = _copy(history, turn), time.monotonic()
        dataset = store.add(stack.settings, copy, mapping_for(None))
        seconds = time.monotonic() - start
    outcome.measure("events", dataset.rows, "")
    outcome.measure("file into the source", dataset.rows / seconds, "rows/s", "mapped, checked, written as lines")
    lines, written = stack.state / "lines.ndjson", 0
    with lines.open("wb") as out:
        for page in takewhile(lambda page: page.next_row - page.rows < MOST_PEER_LINES, read_pages(stack.settings, dataset)):
            out.write(page.body)
            written = page.next_row
    outcome.measure("bytes a message", lines.stat().st_size / written, "")
    return lines, dataset.rows


def _run_naive(stack: Stack, name: str) -> float:
    producer = Producer(client_config(stack.settings) | {"enable.idempotence": True, "acks": "all", "linger.ms": 0})
    start, row = time.monotonic(), 0
    with httpx.Client(base_url=stack.settings.source_url) as client:
        while time.monotonic() - start < NAIVE_SECONDS:
            event = client.get(f"/datasets/{name}/events/{row}").raise_for_status().content
            key = orjson.loads(event)["user_id"] if event.startswith(b"{") and event.endswith(b"}\n") else None
            producer.produce(EVENTS_RAW.name, event, key)
            producer.flush()
            row += 1
    return row / (time.monotonic() - start)


def _run_ours(stack: Stack, history: Path) -> tuple[float, float]:
    """Events a second as the producer reports them, and its peak memory in MB."""
    argv = [sys.executable, "-m", "source_server.produce.producer", history.stem]
    with subprocess.Popen(argv, env=stack.base_env, stdout=subprocess.PIPE, text=True) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _read_peak_mb(process.pid))
            time.sleep(0.05)
        output = process.stdout.read() if process.stdout else ""
    match = re.search(r": ([\d,]+) events sent in ([\d.]+) s; all in Kafka", output)
    if match is None:
        raise RuntimeError(f"the producer did not finish: {output}")
    return int(match[1].replace(",", "")) / float(match[2]), peak


def _run_peer(stack: Stack, lines: Path, count: int, compression: str) -> float:
    _make_topic(stack)
    argv = [
        find_java(), "-Xmx1g", "-cp", f"{JARS}/kafka/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", PEER_TOPIC,
        "--num-records", str(count), "--payload-file", str(lines), "--throughput", "-1", "--producer-props",
        f"bootstrap.servers={stack.settings.kafka_bootstrap}", "acks=all", "enable.idempotence=true", "linger.ms=20",
        "batch.size=262144", "buffer.memory=134217728", f"compression.type={compression}",
    ]  # fmt: skip
    result = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=600)
    return float(re.findall(r"([\d.]+) records/sec", result.stdout)[-1])


def _make_topic(stack: Stack) -> None:
    admin = AdminClient(client_config(stack.settings))
    if PEER_TOPIC not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(PEER_TOPIC, stack.settings.kafka_partitions, 1)])[PEER_TOPIC].result()


def _read_peak_mb(pid: int) -> float:
    """Peak resident memory (VmHWM) of a process and its children, in MB; 0 if it has ended."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[0])
    except (psutil.Error, OSError, IndexError):
        return 0.0
    return total / 1024

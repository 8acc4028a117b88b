"""How fast events get from the source into Kafka: (a) as it is often done, a GET and a flush a record; (b) as we do it;
(c) Kafka's own ProducerPerformance, which has the messages in memory and asks no source.

All three write to topics of the same shape on the same broker, with idempotence and acks=all. (c) sends the very lines of (b)
and is run with two compressions; the better one counts. (b) and (c) take turns; the median of the turns counts. A large run
has one turn: it is there for the memory.
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

from benchmarks.history import make_history, pages_of
from benchmarks.outcome import Goal, Outcome
from cdp.events import EVENTS_RAW
from cdp.kafka import client_config
from infra.stack.stack import JARS, Stack, find_java
from infra.stack.supervise import Supervisor
from source_server import store
from source_server.intake import mapping_for

EVENTS = 500_000
TURNS, LARGE = 3, 2.0
OLD_WAY_SECONDS = 10.0
COMPRESSIONS = ("zstd", "lz4")
#: Where the peer writes: as many partitions as events.raw has.
PEER_TOPIC = "bench.peer"
MOST_PEER_LINES = 500_000  # it holds them all in memory, and sends them again and again in random order
MEMORY_MB = 300


def run(stack: Stack, scale: float) -> Outcome:
    outcome = Outcome("ingest")
    events, count = round(EVENTS * scale), TURNS if scale <= LARGE else 1
    history = _history(stack, events)
    lines, rows = _taken_in(stack, history, count, outcome)
    old = _old_way(stack, history.stem)
    turns = [
        (_ours(stack, _copy(history, turn)), {c: _peer(stack, lines, rows, c) for c in COMPRESSIONS}) for turn in range(count)
    ]
    ours = statistics.median(rate for (rate, _), _ in turns)
    peer = {c: statistics.median(rates[c] for _, rates in turns) for c in COMPRESSIONS}
    outcome.measure("(a) a GET and a flush a record", old, "events/s", f"for {OLD_WAY_SECONDS:.0f} s")
    outcome.measure("(b) ours, source to Kafka", ours, "events/s", f"median of {count}")
    for compression, rate in peer.items():
        outcome.measure(f"(c) ProducerPerformance, {compression}", rate, "events/s", "has the messages in memory")
    source_mb, producer_mb = _peak_mb(Supervisor(stack).state("source").pid), max(mb for (_, mb), _ in turns)
    outcome.measure("most memory of the source", source_mb, "MB")
    outcome.measure("most memory of the producer", producer_mb, "MB")
    outcome.goals += [
        Goal("(b) / (a)", ours / old, 20),
        Goal("(b) / the better (c)", ours / max(peer.values()), 0.5),
        Goal("memory of the source, MB", source_mb, MEMORY_MB, at_least=False),
        Goal("memory of the producer, MB", producer_mb, MEMORY_MB, at_least=False),
    ]
    return outcome


def _history(stack: Stack, events: int) -> Path:
    path = stack.state / "bench-0.parquet"
    make_history(path, events)
    return path


def _copy(history: Path, turn: int) -> Path:
    """The same rows under another name are another data set, which has not been sent yet."""
    path = history.with_name(f"bench-{turn}.parquet")
    if not path.exists():
        path.hardlink_to(history)
    return path


def _taken_in(stack: Stack, history: Path, turns: int, outcome: Outcome) -> tuple[Path, int]:
    """The data sets of all turns; and the lines as a file, for the peer."""
    for turn in range(turns):
        copy, begun = _copy(history, turn), time.monotonic()
        dataset = store.add(stack.settings, copy, mapping_for(copy, None))
        seconds = time.monotonic() - begun
    outcome.measure("events", dataset.rows, "")
    outcome.measure("file into the source", dataset.rows / seconds, "rows/s", "mapped, judged, written as lines")
    lines, written = stack.state / "lines.ndjson", 0
    with lines.open("wb") as out:
        for page in takewhile(lambda page: page.next_row - page.rows < MOST_PEER_LINES, pages_of(stack.settings, dataset)):
            out.write(page.body)
            written = page.next_row
    outcome.measure("bytes a message", lines.stat().st_size / written, "")
    return lines, dataset.rows


def _old_way(stack: Stack, name: str) -> float:
    producer = Producer(client_config(stack.settings) | {"enable.idempotence": True, "acks": "all", "linger.ms": 0})
    begun, row = time.monotonic(), 0
    with httpx.Client(base_url=stack.settings.source_url) as client:
        while time.monotonic() - begun < OLD_WAY_SECONDS:
            event = client.get(f"/datasets/{name}/events/{row}").raise_for_status().content
            key = orjson.loads(event)["user_id"] if event.startswith(b"{") and event.endswith(b"}\n") else None
            producer.produce(EVENTS_RAW.name, event, key)
            producer.flush()
            row += 1
    return row / (time.monotonic() - begun)


def _ours(stack: Stack, history: Path) -> tuple[float, float]:
    """Events a second as the producer itself reports them, and the most memory it took, in MB."""
    argv = [sys.executable, "-m", "source_server.producer", history.stem]
    with subprocess.Popen(argv, env=stack.base_env, stdout=subprocess.PIPE, text=True) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _peak_mb(process.pid))
            time.sleep(0.05)
        said = process.stdout.read() if process.stdout else ""
    found = re.search(r": ([\d,]+) events sent in ([\d.]+) s; all in Kafka", said)
    if found is None:
        raise RuntimeError(f"the producer did not finish: {said}")
    return int(found[1].replace(",", "")) / float(found[2]), peak


def _peer(stack: Stack, lines: Path, count: int, compression: str) -> float:
    _make_topic(stack)
    argv = [
        find_java(), "-Xmx1g", "-cp", f"{JARS}/kafka/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", PEER_TOPIC,
        "--num-records", str(count), "--payload-file", str(lines), "--throughput", "-1", "--producer-props",
        f"bootstrap.servers={stack.settings.kafka_bootstrap}", "acks=all", "enable.idempotence=true", "linger.ms=20",
        "batch.size=262144", "buffer.memory=134217728", f"compression.type={compression}",
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=600)
    return float(re.findall(r"([\d.]+) records/sec", done.stdout)[-1])


def _make_topic(stack: Stack) -> None:
    admin = AdminClient(client_config(stack.settings))
    if PEER_TOPIC not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(PEER_TOPIC, stack.settings.kafka_partitions, 1)])[PEER_TOPIC].result()


def _peak_mb(pid: int) -> float:
    """The most resident memory a process and its children had so far (VmHWM), in MB; 0 where it is gone."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[0])
    except (psutil.Error, OSError, IndexError):
        return 0.0
    return total / 1024

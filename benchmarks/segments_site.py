"""The site's side of the benchmark, each part in a process of its own: previews, counts, runs and the refresh of many segments,
by the code of the site itself. Start a part with `call_site`; it prints JSON."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SETUP = "import sys, django; django.setup(); from benchmarks.{} import main; main(*sys.argv[1:])"
REPOSITORY = Path(__file__).resolve().parent.parent
#: A query of a rule has one measured repetition for each of these, after one that is not measured.
REPETITIONS = 5
MAIN, CHANGED, SMALL = 1, 2, 3
MEMBERS = 200_000
SEGMENTS = 200
#: Conditions that are added to each rule, so the refresh has many different segments.
_VARIANTS = SEGMENTS // 20


def call_site(part: str, folder: Path, customers: int, module: str = "segments_site") -> Any:
    """Run one part on the files of `folder`; the answer of its function, in this module or another one with a `main`."""
    argv = [sys.executable, "-c", SETUP.format(module), part, str(folder), str(customers)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "cdp_web.settings"}
    process = subprocess.run(argv, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f"the part {part} of the benchmark failed; its error is above")
    return json.loads(process.stdout.splitlines()[-1])


def main(part: str, folder: str, customers: str) -> None:
    use_files(Path(folder))
    print(json.dumps(PARTS[part](int(customers))))


def use_files(folder: Path) -> None:
    """Read publications from parquet files instead of HDFS, and keep the snapshots beside them. No broker takes the changes of
    members, and a warning for each segment would hide the answer."""
    from pyarrow import dataset

    from cdp_web.serving import snapshot_store

    logging.getLogger("cdp_web.segments.outbox").setLevel(logging.ERROR)
    snapshot_store.get_folder = lambda: folder / "snapshots"

    def read_file(publication: Any, name: str) -> Any:
        return snapshot_store.stream_rows(dataset.dataset(folder / str(publication.id) / f"{name}.parquet"))

    snapshot_store.open_customers = lambda publication: read_file(publication, "customers")
    snapshot_store.open_interactions = lambda publication: read_file(publication, "interactions")


def prepare(customers: int) -> dict[str, float]:
    """Make the database, the list and the segments that rules refer to; build the snapshot."""
    from django.core.management import call_command

    from cdp_web.serving.snapshot_store import snapshot_ensure
    from tests.cdp_web import factories

    call_command("migrate", verbosity=0)
    factories.mart()
    publication = factories.publication(MAIN)
    start = time.monotonic()
    path = snapshot_ensure(publication)
    seconds = time.monotonic() - start
    add_references(customers)
    return {"seconds": seconds, "bytes": path.stat().st_size, "memory": _read_peak_memory()}


def publish(customers: int) -> dict[str, float]:
    """Publish the next files. Not in the process of the runs, whose memory is measured: building a snapshot needs more."""
    from cdp_web.serving.publications import publication_get_serving
    from tests.cdp_web import factories

    factories.publication(publication_get_serving().id + 1)
    start = time.monotonic()
    _open_snapshot(publication_get_serving().id)
    return {"seconds": time.monotonic() - start, "memory": _read_peak_memory()}


def add_references(customers: int) -> None:
    from benchmarks.segments_rules import LIST_ID, LIST_SIZE, SEGMENTS
    from cdp_web.segments.models import CustomerList, ListMember
    from cdp_web.serving.snapshot_store import TABLE

    for number, segment in SEGMENTS.items():
        _add_segment(segment.name, segment.document, number)
    size = min(LIST_SIZE, customers // 10)
    CustomerList.objects.create(pk=LIST_ID, name="Listed", count=size)
    rows = _open_snapshot(MAIN).read_rows(f"SELECT customer_id FROM {TABLE} ORDER BY hash(customer_id) LIMIT {size}", seconds=60)
    ListMember.objects.bulk_create([ListMember(list_id=LIST_ID, customer_id=row["customer_id"]) for row in rows], batch_size=5000)


def measure_rules(customers: int) -> dict[str, dict[str, Any]]:
    """Each rule: its members, the seconds of its previews and of its bare counts."""
    from benchmarks.segments_rules import RULES

    snapshot = _open_snapshot(MAIN)
    return {each.name: _measure_rule(snapshot, each.rule) for each in RULES}


def _measure_rule(snapshot: Any, rule: Any) -> dict[str, Any]:
    from cdp.rules import to_sql
    from cdp_web.segments.evaluate import evaluation_open
    from cdp_web.segments.preview import segment_preview
    from cdp_web.segments.references import references_load

    references = references_load(rule)

    def read(query: str) -> Any:
        with evaluation_open(snapshot, rule, references, seconds=60) as evaluation:
            return evaluation.session.read_row(query.format(to_sql(rule, evaluation.source)))

    count, digest = read("SELECT count(*), md5(string_agg(customer_id, ',' ORDER BY customer_id)) FROM ({})")
    previews = time_repeatedly(lambda: segment_preview(snapshot, rule, references))
    counts = time_repeatedly(lambda: read("SELECT count(*) FROM ({})"))
    return {"count": count, "digest": digest, "previews": previews, "counts": counts}


def time_repeatedly(work: Callable[[], object], most: float = float("inf")) -> list[float]:
    """The seconds of REPETITIONS after one that is not measured; fewer if they would take longer than `most` together."""
    work()
    seconds: list[float] = []
    while len(seconds) < REPETITIONS and (not seconds or sum(seconds) + seconds[-1] < most):
        start = time.monotonic()
        work()
        seconds.append(time.monotonic() - start)
    return seconds


def measure_runs(customers: int) -> dict[str, Any]:
    """The runs of a segment: from nothing, and on a publication where one member of a hundred has changed; then those of the
    behaviour rules, for the memory of a worker."""
    from benchmarks.segments_rules import RULES

    members = min(MEMBERS, customers // 5)
    node = {"metric": {"field": "total_purchase_value", "operator": "top", "value": members}}
    segment = _add_segment("Measured", {"version": 1, "rule": node})
    runs = {"new": _run(segment, MAIN)}
    runs["changed"] = _run(segment, CHANGED)
    memory = _read_peak_memory()
    behaviours = [_add_segment(f"Heavy {each.name}", each.document) for each in RULES if each.reads_behaviours]
    for each in behaviours:
        _run(each, MAIN)
    return runs | {"memory": memory, "memory_of_rules": _read_peak_memory()}


def measure_refresh(customers: int) -> dict[str, Any]:
    """All segments on a new publication, from nothing and once more."""
    from benchmarks.segments_rules import RULES
    from cdp_web.segments.models import Segment
    from cdp_web.segments.refresh import segments_refresh
    from cdp_web.serving.publications import publication_get_serving

    Segment.objects.filter(name__regex="^(Heavy|Measured)").delete()
    publication = publication_get_serving()
    for each in RULES:
        for number in range(_VARIANTS):
            node = {"all": [each.node, {"metric": {"field": "views", "operator": "ge", "value": number}}]}
            _add_segment(f"{each.name} {number}", {"version": 1, "rule": node})
    times = []
    for _ in range(2):
        start = time.monotonic()
        runs = list(segments_refresh(publication))
        times.append(time.monotonic() - start)
        failed = [run.error for run in runs if run.status != "done"]
        assert not failed, failed
    members = sum(run.count or 0 for run in runs)
    return {"segments": len(runs), "members": members, "new": times[0], "again": times[1], "memory": _read_peak_memory()}


def _run(segment: Any, publication_id: int) -> dict[str, Any]:
    from cdp_web.segments.runs import segment_run_now
    from cdp_web.serving.publications import publication_get

    publication = publication_get(publication_id)
    assert publication is not None
    start = time.monotonic()
    run = segment_run_now(segment=segment, publication=publication)
    seconds = time.monotonic() - start
    assert run.status == "done", run.error
    return {"seconds": seconds, "count": run.count, "entered": run.entered, "left": run.left}


def _add_segment(name: str, document: Any, number: int | None = None) -> Any:
    from cdp.rules import decode, hash_rule
    from cdp_web.segments.models import Segment, SegmentVersion

    segment = Segment.objects.create(name=name, rule=document, rule_hash=hash_rule(decode(document)))
    assert number in (None, segment.pk), "the database is not empty"
    SegmentVersion.objects.create(segment=segment, number=1, rule=document)
    return segment


def _open_snapshot(publication_id: int) -> Any:
    from cdp_web.serving.publications import publication_get
    from cdp_web.serving.snapshot_query import snapshot_open

    publication = publication_get(publication_id)
    assert publication is not None
    return snapshot_open(publication)


def _read_peak_memory() -> int:
    """The most memory that this process ever had, in bytes. `getrusage` would count the process that started this one."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


PARTS: dict[str, Callable[[int], Any]] = {
    "prepare": prepare, "publish": publish, "rules": measure_rules, "runs": measure_runs, "refresh": measure_refresh,
}  # fmt: skip

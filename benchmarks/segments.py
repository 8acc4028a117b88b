"""Measures rules and runs of segments: 20 rules of growing difficulty at 1 million customers and 10 million interactions, beside
the same questions to Postgres with typed columns and to Postgres with documents; the writing of members; many segments at once.

"Preview" is what a person waits for: counts of every condition, sample and near misses. The peers only count, so they are
compared with our bare count. Every engine must find the same ids."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks import segments_jsonb, segments_mongo, segments_postgres
from benchmarks.outcome import Goal, Outcome
from benchmarks.segments_data import write_changed, write_history
from benchmarks.segments_postgres import PeerTimes
from benchmarks.segments_rules import RULES
from benchmarks.segments_site import CHANGED, MAIN, SMALL, call_site
from infra.stack import lifecycle
from infra.stack.stack import Stack
from tests.databases import administer

NEEDS = ("postgres",)
CUSTOMERS = 1_000_000
SMALL_CUSTOMERS = 300_000
GROWTH = (250_000, 1_000_000, 2_000_000, 4_000_000)
METRIC_MS, BEHAVIOUR_MS = 100, 600
TIMES_QUICKER = 10
NEW_SECONDS, CHANGED_SECONDS = 20, 6
WORKER_GB = 1.5

Measured = Mapping[str, Mapping[str, Any]]


def run(stack: Stack, scale: float) -> Outcome:
    outcome, customers, folder = Outcome("segments"), round(CUSTOMERS * scale), stack.state / "segments"
    outcome.measure("load of the machine at the start", os.getloadavg()[0], "", f"{os.cpu_count()} cores")
    write_history(folder / str(MAIN), customers)
    report_snapshot(outcome, call_site("prepare", folder, customers))
    ours = call_site("rules", folder, customers)
    write_changed(folder / str(CHANGED), folder / str(MAIN))
    call_site("publish", folder, customers)
    report_runs(outcome, call_site("runs", folder, customers))
    snapshot = next((folder / "snapshots").glob(f"snapshot-{MAIN}-*.duckdb"))
    peers = measure_peers(stack, snapshot, outcome)
    report_rules(outcome, ours, peers)
    shutil.rmtree(folder / str(MAIN))
    write_history(folder / str(SMALL), round(SMALL_CUSTOMERS * scale))
    call_site("publish", folder, customers)
    report_refresh(outcome, call_site("refresh", folder, customers))
    outcome.measure("load of the machine at the end", os.getloadavg()[0], "")
    return outcome


def run_growth(stack: Stack, scale: float) -> Outcome:
    """The same rules while the customers grow; the memory of a query stays the same."""
    outcome, folder = Outcome("segments-growth"), stack.state / "segments"
    medians = []
    for size in GROWTH:
        customers = round(size * scale)
        administer(stack.settings, f"DROP DATABASE {stack.settings.postgres_database} WITH (FORCE)")
        administer(stack.settings, f"CREATE DATABASE {stack.settings.postgres_database}")
        shutil.rmtree(folder, ignore_errors=True)
        write_history(folder / str(MAIN), customers)
        report_snapshot(outcome, call_site("prepare", folder, customers), f", {customers:,} customers")
        ours = call_site("rules", folder, customers)
        for kind, reads_behaviours in (("metrics", False), ("behaviours", True)):
            values = [1000 * median(ours[rule.name]["previews"]) for rule in RULES if rule.reads_behaviours == reads_behaviours]
            outcome.measure(f"previews of {kind}, {customers:,} customers, median of 10 rules", median(values), "ms")
        medians.append(median(1000 * median(each["previews"]) for each in ours.values()))
        outcome.measure(f"previews, {customers:,} customers, median of 20 rules", medians[-1], "ms")
    note = f"the customers grew {GROWTH[-1] / GROWTH[0]:.0f} times"
    outcome.measure("times longer, the largest beside the smallest", medians[-1] / medians[0], "", note)
    return outcome


def report_snapshot(outcome: Outcome, prepared: Mapping[str, float], of: str = "") -> None:
    note = f"{prepared['bytes'] / 1e6:,.0f} MB; most memory {prepared['memory'] / 1e9:.2f} GB"
    outcome.measure(f"snapshot built{of}", prepared["seconds"], "s", note)


def measure_peers(stack: Stack, snapshot: Path, outcome: Outcome) -> dict[str, dict[str, PeerTimes]]:
    """Each peer after the other, on a Postgres with room for them."""
    settings = stack.settings
    with closing(segments_postgres.connect(settings)) as connection, connection.cursor() as cursor:
        for name, value in segments_postgres.SERVER.items():
            cursor.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    lifecycle.stop(stack, NEEDS)
    lifecycle.up(stack, NEEDS)
    segments_postgres.fill_tables(settings, snapshot)
    peers = {"Postgres": segments_postgres.measure_tables(settings)}
    segments_jsonb.fill_documents(settings)
    peers["JSONB"] = segments_jsonb.measure_documents(settings)
    if segments_mongo.is_real(settings):
        peers["MongoDB"] = segments_mongo.measure_profiles(settings, snapshot)
    else:
        outcome.measure("MongoDB is skipped", 0, "", "CDP_MONGO_URL names no real one")
    return peers


def report_rules(outcome: Outcome, ours: Measured, peers: Mapping[str, Mapping[str, PeerTimes]]) -> None:
    refuse_differences(ours, peers)
    for number, rule in enumerate(RULES, 1):
        own = ours[rule.name]
        p50, p95 = 1000 * median(own["previews"]), find_p95(own["previews"])
        note = f"p95 {p95:,.0f}, count {1000 * median(own['counts']):,.1f}, {own['count']:,} members"
        others = [f"{name} {_describe(peer.get(rule.name))}" for name, peer in peers.items()]
        outcome.measure(f"{number:>2} {rule.name}", p50, "ms", "; ".join((note, *others)))
    for kind, reads_behaviours, bound in (("metric", False, METRIC_MS), ("behaviour", True, BEHAVIOUR_MS)):
        seconds = [s for rule in RULES if rule.reads_behaviours == reads_behaviours for s in ours[rule.name]["previews"]]
        outcome.measure(f"previews of {kind} rules, p50", 1000 * median(seconds), "ms")
        outcome.goals.append(Goal(f"previews of {kind} rules, p95 in ms", find_p95(seconds), bound, at_least=False))
    if peers:
        outcome.goals.append(Goal("times quicker than the next best, at the median", find_lead(ours, peers), TIMES_QUICKER))


def _describe(times: PeerTimes | None) -> str:
    if times is None:
        return "–"
    return f"{1000 * median(times.seconds):,.0f}" if times.seconds else f"> {segments_postgres.TOO_SLOW_SECONDS} s"


def refuse_differences(ours: Measured, peers: Mapping[str, Mapping[str, PeerTimes]]) -> None:
    different = [
        f"{name} finds {times.count:,} members of {rule!r} instead of {ours[rule]['count']:,}, or other ones"
        for name, peer in peers.items()
        for rule, times in peer.items()
        if times.seconds and times.digest != ours[rule]["digest"]
    ]
    if different:
        raise RuntimeError("; ".join(different))


def find_lead(ours: Measured, peers: Mapping[str, Mapping[str, PeerTimes]]) -> float:
    """The median over the rules: the count of the quickest peer, divided by ours. A peer that was stopped has its limit."""
    leads = []
    for name, own in ours.items():
        times = [peer[name].seconds or [float(segments_postgres.TOO_SLOW_SECONDS)] for peer in peers.values() if name in peer]
        leads.append(min(map(median, times)) / median(own["counts"]))
    return median(leads)


def find_p95(seconds: Iterable[float]) -> float:
    """In milliseconds."""
    return 1000 * quantiles(seconds, n=20, method="inclusive")[-1]


def report_runs(outcome: Outcome, runs: Mapping[str, Any]) -> None:
    for name, what, bound in (("new", "from nothing", NEW_SECONDS), ("changed", "with 1 % changed", CHANGED_SECONDS)):
        of = runs[name]
        note = f"{of['count']:,} members, {of['entered']:,} entered, {of['left']:,} left"
        outcome.measure(f"a run {what}", of["seconds"], "s", note)
        outcome.goals.append(Goal(f"seconds of a run {what}", of["seconds"], bound, at_least=False))
    most = max(runs["memory"], runs["memory_of_rules"]) / 1e9
    outcome.measure("most memory of the worker", most, "GB", f"{runs['memory'] / 1e9:.2f} before the runs of the behaviour rules")
    outcome.goals.append(Goal("GB of the worker", most, WORKER_GB, at_least=False))


def report_refresh(outcome: Outcome, refresh: Mapping[str, Any]) -> None:
    note = f"{refresh['members']:,} members, most memory {refresh['memory'] / 1e9:.2f} GB"
    outcome.measure(f"{refresh['segments']} segments refreshed, from nothing", refresh["new"], "s", note)
    outcome.measure(f"{refresh['segments']} segments refreshed again", refresh["again"], "s", "no member changed")

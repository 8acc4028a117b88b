"""The site of the benchmark `web`: its database, users, segments and profiles, and the application that gunicorn serves, which
reads publications from files instead of HDFS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import segments_site
from benchmarks.segments_data import DAY
from benchmarks.segments_site import MAIN, use_files

#: Names the folder of the files in the environment of gunicorn.
FOLDER = "BENCH_FOLDER"
USERS = 20
PASSWORD = "a password of the benchmark"
PROFILES = 3_000
DAYS_OF_SIZES = 30


def make_application() -> Any:
    """Called by gunicorn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_web.settings")
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    use_files(Path(os.environ[FOLDER]))
    return application


def name_user(number: int) -> str:
    return f"user{number}"


def main(part: str, folder: str, customers: str) -> None:
    use_files(Path(folder))
    print(json.dumps(PARTS[part](Path(folder), int(customers))))


def prepare(folder: Path, customers: int) -> dict[str, Any]:
    """What a site has after its first nights: a publication, a data run, segments with members, users and profiles."""
    from cdp_web.segments.models import Segment
    from tests.cdp_web import factories

    prepared: dict[str, Any] = dict(segments_site.prepare(customers))
    factories.night_run(MAIN)
    add_segments()
    add_users()
    ids = add_profiles(folder, min(customers, PROFILES))
    return prepared | {"customer_ids": ids, "segment_ids": list(Segment.objects.values_list("pk", flat=True))}


def add_segments() -> None:
    """The starters and their members, with their sizes on the last days."""
    from cdp_web.segments.models import SegmentSize
    from cdp_web.segments.refresh import segments_refresh
    from cdp_web.segments.services import segment_create
    from cdp_web.segments.starters import STARTERS, build_document
    from cdp_web.serving.publications import publication_get_serving

    ids: dict[str, int] = {}
    for starter in STARTERS:
        document = build_document(starter.node, ids)
        ids[starter.name] = segment_create(name=starter.name, rule=document, description=starter.description).pk
    runs = list(segments_refresh(publication_get_serving()))
    failed = [run.error for run in runs if run.status != "done"]
    assert not failed, failed
    sizes = [
        SegmentSize(segment=run.segment, version=1, day=DAY - timedelta(days=back), count=run.count or 0, total=run.total)
        for run in runs
        for back in range(1, DAYS_OF_SIZES)
    ]
    SegmentSize.objects.bulk_create(sizes, ignore_conflicts=True)


def add_users() -> None:
    from django.contrib.auth.models import User

    from cdp_web.accounts.roles import Role
    from cdp_web.accounts.services import user_set_role

    for number in range(USERS):
        user_set_role(user=User.objects.create_user(name_user(number), password=PASSWORD), role=Role.ANALYST)


def add_profiles(folder: Path, count: int) -> list[str]:
    """The profiles of some customers, half of them those who spent the most; the ids."""
    from pymongo import MongoClient

    from cdp.settings import current
    from cdp_web.serving.publications import publication_get_serving
    from tests.cdp_web import factories

    source = f"FROM '{folder / str(MAIN)}/customers.parquet'"
    best = f"({source} ORDER BY total_purchase_value DESC, customer_id LIMIT {count // 2})"
    any_of = f"({source} ORDER BY hash(customer_id) LIMIT {count - count // 2})"
    client: MongoClient[dict[str, Any]] = MongoClient(current().mongo_url)
    with duckdb.connect() as duck, client:
        result = duck.execute(f"{best} UNION {any_of}")
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        profiles = client[current().mongo_database][publication_get_serving().profiles_collection]
        profiles.drop()
        profiles.insert_many([factories.profile(row, events=40) for row in rows])
    return [row["customer_id"] for row in rows]


PARTS: dict[str, Callable[[Path, int], Any]] = {"prepare": prepare}

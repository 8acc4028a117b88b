"""What the pipeline page shows, from the last readings and the site's own tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from cdp.mart.nights import NightRun
from cdp_web.layout import formats
from cdp_web.layout.facts import localize
from cdp_web.pipeline.flow import Hop, make_hops
from cdp_web.pipeline.freshness import Freshness, NightSchedule, judge_freshness
from cdp_web.pipeline.ledger_read import LedgerFigures
from cdp_web.pipeline.models import Reading
from cdp_web.pipeline.probes import SERVERS, Server
from cdp_web.pipeline.work_queue import SegmentWork, WebhookWork, segment_work_get, webhook_work_get
from cdp_web.serving.errors import NothingPublished
from cdp_web.serving.nights import nights_get_latest
from cdp_web.serving.publications import Publication, publication_get_serving
from cdp_web.serving.snapshot_store import snapshot_path


@dataclass(frozen=True, slots=True)
class ServerLine:
    server: Server
    state: str
    since: datetime | None = None
    says: str = ""
    remedy: str = ""

    @property
    def title(self) -> str:
        return localize(self.server.title)

    @property
    def about(self) -> str:
        return localize(self.server.about)


@dataclass(frozen=True, slots=True)
class StreamLine:
    """The last batch of the stream, and the offsets that wait in Kafka."""

    batch: int
    received: int
    seconds: float
    written_at: datetime
    waiting: int | None

    @property
    def rate(self) -> int:
        return round(self.received / max(self.seconds, 0.001))


@dataclass(frozen=True, slots=True)
class StoreLine:
    """How fresh one store is."""

    title: str
    day: date | None
    at: datetime | None
    note: str
    is_good: bool


@dataclass(frozen=True, slots=True)
class PipelineReport:
    servers: Sequence[ServerLine]
    checked_at: datetime | None
    stream: StreamLine | None
    freshness: Freshness
    schedule: NightSchedule | None
    hops: Sequence[Hop]
    ledger_at: datetime | None
    ledger_error: str
    stores: Sequence[StoreLine]
    segments: SegmentWork
    webhooks: WebhookWork
    last_night: NightRun | None

    @property
    def failing(self) -> list[ServerLine]:
        return [line for line in self.servers if line.state == "unhealthy"]

    @property
    def is_balanced(self) -> bool:
        return all(hop.is_right for hop in self.hops)


def report_read(publication: Publication | None, now: datetime | None = None) -> PipelineReport:
    readings = {reading.key: reading for reading in Reading.objects.filter(read_at__isnull=False)}
    values: dict[str, Any] = {key: reading.value for key, reading in readings.items()}
    figures = LedgerFigures(**values["ledger"]) if "ledger" in values else None
    runs, schedule = nights_get_latest(10), make_schedule(values.get("schedule"))
    newest = parse_time(figures.newest_event) if figures else None
    segments = segment_work_get(publication.id if publication else None)
    stream = make_stream_line(values.get("stream"))
    return PipelineReport(
        servers=make_server_lines(values.get("servers", {})),
        checked_at=readings["servers"].read_at if "servers" in readings else None,
        stream=stream,
        freshness=judge_freshness(now or timezone.now(), publication.day if publication else None, newest, schedule, runs),
        schedule=schedule,
        hops=make_hops(figures, reverse("pipeline:quarantine")) if figures and not figures.error else [],
        ledger_at=readings["ledger"].read_at if "ledger" in readings else None,
        ledger_error=figures.error if figures else "",
        stores=list(make_store_lines(publication, figures, stream, segments)),
        segments=segments,
        webhooks=webhook_work_get(),
        last_night=runs[0] if runs else None,
    )


def make_server_lines(values: Mapping[str, Any]) -> list[ServerLine]:
    """A line for each server; `unknown` before the first reading."""
    lines = []
    for server in SERVERS:
        value = values.get(server.key)
        if value is None:
            lines.append(ServerLine(server, "unknown"))
            continue
        words = {name: formats.count(each) if isinstance(each, int) else each for name, each in value["values"].items()}
        lines.append(
            ServerLine(server, value["state"], parse_time(value["since"]), localize(value["says"]) % words, value["remedy"])
        )
    return lines


def make_stream_line(value: Mapping[str, Any] | None) -> StreamLine | None:
    if not value:
        return None
    written_at = datetime.fromisoformat(value["written_at"])
    return StreamLine(value["batch"], value["received"], value["milliseconds"] / 1000, written_at, value["waiting"])


def make_schedule(value: Mapping[str, Any] | None) -> NightSchedule | None:
    """None if Airflow has not answered."""
    if not value or "is_paused" not in value:
        return None
    return NightSchedule(value["is_paused"], parse_time(value["next_at"]))


def make_store_lines(
    publication: Publication | None, figures: LedgerFigures | None, stream: StreamLine | None, segments: SegmentWork
) -> Sequence[StoreLine]:
    lines = []
    if stream:
        waits = stream.waiting or 0
        note = _("%(count)s offsets wait in Kafka") % {"count": formats.count(waits)} if waits else _("nothing waits")
        lines.append(StoreLine(_("Stream"), None, stream.written_at, note, stream.waiting == 0))
    if figures and not figures.error:
        newest = parse_time(figures.newest_event)
        note = _("%(count)s events") % {"count": formats.count(figures.event_rows)}
        lines.append(StoreLine(_("Events on HDFS"), newest and newest.date(), newest, note, newest is not None))
    if publication is None:
        return lines
    day, at = publication.day, publication.published_at
    lines.append(StoreLine(_("Daily numbers in Postgres"), day, at, _("publication #%(id)s") % {"id": publication.id}, True))
    if figures:
        is_whole = figures.profiles is not None and figures.profiles == figures.snapshot_customers
        note = _("%(count)s profiles") % {"count": formats.count(figures.profiles)} if figures.profiles else _("not readable")
        lines.append(StoreLine(_("Customer profiles in MongoDB"), day if is_whole else None, at, note, is_whole))
    has_file = snapshot_path(publication).is_file()
    note = _("ready") if has_file else _("is built when the first page needs it")
    lines.append(
        StoreLine(_("The site's copy of the customers"), day if has_file else None, at if has_file else None, note, has_file)
    )
    note = _("%(outdated)s of %(all)s are of an earlier publication") % {
        "outdated": formats.count(segments.outdated), "all": formats.count(segments.segments),
    }  # fmt: skip
    lines.append(StoreLine(_("Segments"), segments.oldest_day, None, note, not segments.outdated))
    return lines


def parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def add_data_state(request: HttpRequest) -> dict[str, Any]:
    """Template context: the state of the data for the top bar, lazy, so only whole pages run its query, and once."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"data_state": SimpleLazyObject(_get_state)}


def _get_state() -> str:
    """Empty before the first reading."""
    value = Reading.objects.filter(key="freshness").values_list("value", flat=True).first()
    return str(value.get("state", "")) if value else ""


def freshness_read() -> dict[str, Any]:
    """The state of the data from the other readings, stored as a reading of its own."""
    try:
        publication = publication_get_serving()
    except NothingPublished:
        return {"state": "none"}
    return {"state": report_read(publication).freshness.state}

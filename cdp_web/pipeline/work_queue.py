"""The work of the site that waits or failed: runs of segments, and deliveries of webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from cdp_web.segments.models import Segment, SegmentRun, Webhook, WebhookDelivery

RunStatus, DeliveryStatus = SegmentRun.Status, WebhookDelivery.Status
#: Failures older than this are no news.
RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SegmentWork:
    waiting: int
    running: int
    failed: int  # of the last day
    oldest_wait: datetime | None
    segments: int
    outdated: int  # segments whose members are of another publication
    oldest_day: date | None


@dataclass(frozen=True, slots=True)
class WebhookWork:
    webhooks: int
    disabled: int
    waiting: int
    failed: int  # of the last day


def segment_work_get(publication_id: int | None) -> SegmentWork:
    active = SegmentRun.objects.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING))
    counts = active.aggregate(
        waiting=Count("pk", filter=Q(status=RunStatus.QUEUED)),
        running=Count("pk", filter=Q(status=RunStatus.RUNNING)),
        oldest_wait=Min("requested_at", filter=Q(status=RunStatus.QUEUED)),
    )
    failed = SegmentRun.objects.filter(status=RunStatus.FAILED, finished_at__gte=timezone.now() - RECENT).count()
    segments = Segment.objects.filter(archived_at=None).aggregate(
        segments=Count("pk"),
        outdated=Count("pk", filter=~Q(current_run__publication_id=publication_id) | Q(current_run=None)),
        oldest_day=Min("current_run__day"),
    )
    return SegmentWork(failed=failed, **counts, **segments)


def webhook_work_get() -> WebhookWork:
    webhooks = Webhook.objects.aggregate(webhooks=Count("pk"), disabled=Count("pk", filter=Q(is_active=False)))
    deliveries = WebhookDelivery.objects.filter(
        Q(status=DeliveryStatus.PENDING) | Q(status=DeliveryStatus.DEAD, created_at__gte=timezone.now() - RECENT)
    ).aggregate(
        waiting=Count("pk", filter=Q(status=DeliveryStatus.PENDING)), failed=Count("pk", filter=Q(status=DeliveryStatus.DEAD))
    )
    return WebhookWork(**webhooks, **deliveries)

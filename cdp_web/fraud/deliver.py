"""Makes a delivery for each new alert and each channel, once."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils import timezone

from cdp.mart.live import ALERT
from cdp_web.fraud.models import Channel, ChannelDelivery
from cdp_web.fraud.services import get_newest_alert

#: Alerts of one channel for which deliveries are made in one transaction.
MOST_ALERTS = 1000
#: Alerts are committed in the order of their ids, so a channel has seen every alert up to the last one that it has.
_NEW = f"""
    SELECT alert_id FROM {ALERT.full_name} WHERE alert_id > %s AND (%s::bigint IS NULL OR rule_id = %s)
    ORDER BY alert_id LIMIT {MOST_ALERTS}"""


def deliveries_create() -> int:
    """Returns how many. Two workers at once make no delivery twice."""
    newest = get_newest_alert()
    behind = Channel.objects.filter(is_active=True, last_alert__lt=newest).values_list("pk", flat=True)
    return sum(_create_for_channel(channel_id, newest) for channel_id in list(behind))


@transaction.atomic
def _create_for_channel(channel_id: int, newest: int) -> int:
    channel = Channel.objects.select_for_update(skip_locked=True).filter(pk=channel_id, is_active=True).first()
    if channel is None or channel.last_alert >= newest:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_NEW, [channel.last_alert, channel.rule_id, channel.rule_id])
        ids = [alert_id for (alert_id,) in cursor.fetchall()]
    now = timezone.now()
    ChannelDelivery.objects.bulk_create([ChannelDelivery(channel=channel, alert_id=each, next_try_at=now) for each in ids])
    channel.last_alert = ids[-1] if len(ids) == MOST_ALERTS else max(newest, *ids)
    channel.save(update_fields=["last_alert"])
    return len(ids)

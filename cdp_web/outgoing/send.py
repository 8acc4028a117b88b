"""Sends the deliveries of a receiver that are due, and decides what follows from the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from cdp_web.outgoing.addresses import AddressRefused
from cdp_web.outgoing.locks import advisory_lock
from cdp_web.outgoing.models import DeliveryBase, ReceiverBase
from cdp_web.outgoing.post import BODY_START, Answer, NoAnswer

Status = DeliveryBase.Status

#: The waits after the first, second, … failed try. After the last one the delivery is dead.
WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
#: Deliveries in a row that must die before the receiver is switched off.
MAX_FAILURES = 5
#: A task sends for this long; what is left has its turn after the other tasks.
SECONDS = 20.0
#: Days for which the log of deliveries is kept.
LOG_DAYS = 30


@dataclass(frozen=True, slots=True)
class Outbox:
    """The deliveries of one kind of receiver."""

    receivers: type[ReceiverBase]
    deliveries: type[DeliveryBase]
    #: The foreign key from a delivery to its receiver.
    receiver: str
    #: What else a message is made of, for one query.
    related: tuple[str, ...]
    post: Callable[[Any], Answer]

    def send(self, receiver_id: int) -> bool:
        """Send what is due, oldest first; true if some are left. One process at a time does this.

        If the receiver does not answer, the others wait with the first one: each would only wait for the same timeout.
        """
        with advisory_lock(f"{self.receiver} {receiver_id}") as is_mine:
            if not is_mine:
                return False
            end = time.monotonic() + SECONDS
            while (delivery := self._list_due(receiver_id).order_by("next_try_at", "pk").first()) is not None:
                if time.monotonic() > end:
                    return True
                self._send_one(delivery, receiver_id)
        return False

    def list_receivers(self) -> list[int]:
        """The receivers for whom something is due."""
        name = f"{self.receiver}_id"
        return list(self._list_due().order_by(name).values_list(name, flat=True).distinct())

    def purge(self) -> int:
        """Remove deliveries from the log that ended long ago; returns how many."""
        limit = timezone.now() - timedelta(days=LOG_DAYS)
        return int(self.deliveries._default_manager.filter(created_at__lt=limit).exclude(status=Status.PENDING).delete()[0])

    def _list_due(self, receiver_id: int | None = None) -> QuerySet[Any]:
        filters: dict[str, Any] = {} if receiver_id is None else {f"{self.receiver}_id": receiver_id}
        due = {"status": Status.PENDING, "next_try_at__lte": timezone.now(), f"{self.receiver}__is_active": True}
        return self.deliveries._default_manager.filter(**filters, **due).select_related(self.receiver, *self.related)

    def _send_one(self, delivery: DeliveryBase, receiver_id: int) -> None:
        """One try. It counts before it begins, so a try that kills its worker counts too."""
        attempt = delivery.attempt + 1
        next_try_at = timezone.now() + WAITS[min(attempt, len(WAITS)) - 1]
        _change(delivery, attempt=attempt, next_try_at=next_try_at)
        try:
            answer = self.post(delivery)
        except (NoAnswer, AddressRefused) as error:
            self._store_failure(delivery, receiver_id, Answer(False, None, str(error)))
            self._list_due(receiver_id).exclude(pk=delivery.pk).update(next_try_at=delivery.next_try_at or next_try_at)
        else:
            store = self._store_success if answer.is_accepted else self._store_failure
            store(delivery, receiver_id, answer)

    def _store_success(self, delivery: DeliveryBase, receiver_id: int, answer: Answer) -> None:
        _change(delivery, status=Status.SENT, next_try_at=None, sent_at=timezone.now(), **_describe(answer))
        self.receivers._default_manager.filter(pk=receiver_id, failures__gt=0).update(failures=0)

    def _store_failure(self, delivery: DeliveryBase, receiver_id: int, answer: Answer) -> None:
        if delivery.attempt <= len(WAITS):
            _change(delivery, **_describe(answer))
            return
        _change(delivery, status=Status.DEAD, next_try_at=None, **_describe(answer))
        receivers = self.receivers._default_manager.filter(pk=receiver_id)
        receivers.update(failures=F("failures") + 1)
        last = f"status {answer.status}" if answer.status else answer.body
        reason = f"{MAX_FAILURES} deliveries in a row failed for good, each after {len(WAITS) + 1} tries. The last answer: {last}"
        receivers.filter(failures__gte=MAX_FAILURES).update(is_active=False, disabled_reason=reason[:BODY_START])


def restart(delivery: DeliveryBase, now: datetime) -> None:
    """Have a delivery sent again from the first try, under the same message id."""
    _change(delivery, status=Status.PENDING, attempt=0, next_try_at=now)


def _describe(answer: Answer) -> dict[str, Any]:
    return {"response_status": answer.status, "response_body": answer.body[:BODY_START]}


def _change(delivery: DeliveryBase, **values: Any) -> None:
    for name, value in values.items():
        setattr(delivery, name, value)
    delivery.save(update_fields=[*values])

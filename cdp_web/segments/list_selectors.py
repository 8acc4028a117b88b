"""Reads of uploaded lists, for the pages and the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from django.db.models import QuerySet

from cdp_web.segments.models import CustomerList, ListMember
from cdp_web.serving.errors import NotReady
from cdp_web.serving.publications import publication_get_serving
from cdp_web.serving.snapshot_query import snapshot_open
from cdp_web.serving.snapshot_store import TABLE

#: Unknown ids that a report names.
IDS_SHOWN = 10
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Match:
    """Which ids of a list are customers of a publication."""

    publication: int
    matched: int
    unknown: int
    unknown_ids: list[str]

    def as_json(self) -> dict[str, Any]:
        return {
            "publication": self.publication,
            "matched": self.matched,
            "unknown": self.unknown,
            "unknown_ids": self.unknown_ids,
        }


def lists_get() -> QuerySet[CustomerList]:
    """All lists by name."""
    return CustomerList.objects.select_related("owner").order_by("name")


def list_get(list_id: int) -> CustomerList | None:
    return lists_get().filter(pk=list_id).first()


def ids_get(list_id: int, *, after: str = "", limit: int) -> list[str]:
    """Ids of the list in the order of their characters, from the one behind `after` on."""
    return list(_order_ids(list_id).filter(customer_id__gt=after)[:limit])


def ids_iterate(list_id: int) -> Iterator[str]:
    """All ids of the list as it is now, in the order of their characters."""
    return _order_ids(list_id).iterator(chunk_size=5_000)


def match_get(customer_list: CustomerList) -> Match | None:
    """None while no customers can be read: an upload does not need them."""
    try:
        publication = publication_get_serving()
        snapshot = snapshot_open(publication)
        ids = pa.table({"customer_id": pa.array(ids_iterate(customer_list.pk), pa.string())})
        with snapshot.open_session(_SECONDS) as session:
            session.cursor.register("listed", ids)
            (matched,) = session.read_row(f"SELECT count(*) FROM listed SEMI JOIN {TABLE} USING (customer_id)")
            unknown = f"SELECT customer_id FROM listed ANTI JOIN {TABLE} USING (customer_id) ORDER BY customer_id"
            unknown_ids = [row["customer_id"] for row in session.read_rows(f"{unknown} LIMIT {IDS_SHOWN}")]
    except NotReady:
        return None
    return Match(publication.id, matched, len(ids) - matched, unknown_ids)


def _order_ids(list_id: int) -> QuerySet[ListMember, str]:
    return ListMember.objects.filter(list_id=list_id).order_by("customer_id").values_list("customer_id", flat=True)

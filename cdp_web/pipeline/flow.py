"""The way of the events as equations: what arrives at each store equals what left the one before. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cdp_web.pipeline.ledger_read import LedgerFigures


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    count: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step on the way. Both sides have the same sum unless something is lost or counted twice."""

    title: str
    left: Sequence[Part]
    right: Sequence[Part]
    slack: int = 0  # by which the right side may be larger for a moment

    @property
    def surplus(self) -> int:
        return sum(part.count for part in self.right) - sum(part.count for part in self.left)

    @property
    def is_right(self) -> bool:
        return 0 <= self.surplus <= self.slack


def make_hops(figures: LedgerFigures, quarantine_link: str = "") -> list[Hop]:
    hops = [
        Hop(
            _("Stream: every message is accepted or rejected"),
            [Part(_("received"), figures.received)],
            [Part(_("accepted"), figures.good), Part(_("rejected"), figures.quarantined, quarantine_link)],
        ),
        Hop(
            _("HDFS: every accepted message is stored"),
            [Part(_("accepted"), figures.good), Part(_("replayed"), figures.replayed_events)],
            [Part(_("rows of events"), figures.event_rows), Part(_("copies removed"), figures.dropped)],
            slack=figures.claimed,
        ),
        Hop(
            _("Quarantine: every rejected message is kept"),
            [Part(_("rejected"), figures.quarantined)],
            [Part(_("rows of quarantine"), figures.quarantine_rows, quarantine_link)],
        ),
    ]
    return [*hops, *_make_published_hops(figures)]


def _make_published_hops(figures: LedgerFigures) -> list[Hop]:
    hops = []
    rows, events = figures.published_rows, figures.published_events
    if rows is not None and events is not None:
        # The night leaves copies out, so only rows that are missing are an error.
        copies = max(rows - events, 0)
        hops.append(
            Hop(
                _("Night: every stored event counts once"),
                [Part(_("rows up to the published day"), rows)],
                [Part(_("events in the daily numbers"), events), Part(_("duplicates left out"), copies)],
            )
        )
    if events is not None and figures.snapshot_events is not None:
        hops.append(
            Hop(
                _("Customers: all events of all customers"),
                [Part(_("events in the daily numbers"), events)],
                [Part(_("events of the customers"), figures.snapshot_events)],
            )
        )
    if figures.snapshot_customers is not None and figures.profiles is not None:
        hops.append(
            Hop(
                _("Profiles: one for each customer"),
                [Part(_("customers"), figures.snapshot_customers)],
                [Part(_("profiles"), figures.profiles)],
            )
        )
    return hops

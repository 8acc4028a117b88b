"""Segments of a new installation. They name no product, brand or category, so they run on any shop's data."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from cdp_web.layout.facts import localize
from cdp_web.segments.models import Segment
from cdp_web.segments.services import segment_add
from cdp_web.segments.starter_rules import (
    Node,
    all_of,
    any_of,
    at_least,
    build_document,
    compare,
    did,
    did_not,
    in_segment,
    sequence,
    where,
)


@dataclass(frozen=True, slots=True)
class Starter:
    """A segment to create. Its rule may refer to an earlier starter by name: `{"segment": {"name": "Repeat buyers"}}`."""

    name: str
    meaning: str
    advice: str
    node: Node

    @property
    def description(self) -> str:
        """In the language of the request."""
        words = {"meaning": localize(self.meaning), "advice": localize(self.advice)}
        return _("%(meaning)s What to do: %(advice)s") % words


STARTERS: tuple[Starter, ...] = (
    Starter(
        noop("New this week"),
        noop("First seen within the last 7 days."),
        noop("welcome them and show what the shop is known for."),
        all_of(compare("first_seen", "in_last_days", 7)),
    ),
    Starter(
        noop("New and not yet buying"),
        noop("First seen within the last 30 days, without an order so far."),
        noop("make the first order easy, for example with free delivery."),
        all_of(compare("lifecycle", "eq", "new"), compare("total_purchase", "eq", 0)),
    ),
    Starter(
        noop("Window shoppers"),
        noop("Looked at 10 different products or more within the last 30 days, and neither put one into the cart nor ordered."),
        noop("help them choose: bestsellers, comparisons, reviews."),
        all_of(
            at_least("view", "products", 10, {"last_days": 30}),
            did_not("cart", {"last_days": 30}),
            did_not("purchase", {"last_days": 30}),
        ),
    ),
    Starter(
        noop("Cart, but never an order"),
        noop("Put something into the cart at some time, but never ordered."),
        noop("ask what kept them, and answer doubts about delivery, payment and returns."),
        all_of(did("cart"), did_not("purchase")),
    ),
    Starter(
        noop("Cart abandoners"),
        noop("Put a product into the cart 2 to 13 days ago and did not buy it on that day or the 2 days after it."),
        noop("remind them of the product."),
        all_of(sequence("cart", "purchase", follows=False, within_days=2, window={"last_days": 14})),
    ),
    Starter(
        noop("Abandoned a cart and came back"),
        noop("Cart abandoners who were seen on the last 2 days, without an order on these days."),
        noop("show them the product again at once, while they are interested."),
        all_of(
            in_segment("Cart abandoners"),
            compare("last_seen", "in_last_days", 2),
            did_not("purchase", {"last_days": 2}),
        ),
    ),
    Starter(
        noop("One-time buyers"),
        noop("Ordered exactly once."),
        noop("suggest what goes with the first order: the second order makes a regular customer."),
        all_of(compare("total_purchase", "eq", 1)),
    ),
    Starter(
        noop("Repeat buyers"),
        noop("Ordered twice or more."),
        noop("invite them to a loyalty programme."),
        all_of(compare("total_purchase", "ge", 2)),
    ),
    Starter(
        noop("Active but not buying"),
        noop("Repeat buyers who were in the shop on 3 different days or more of the last 14, without an order in these days."),
        noop("show what is new in the categories that they look at."),
        all_of(
            in_segment("Repeat buyers"),
            at_least("any", "days", 3, {"last_days": 14}),
            did_not("purchase", {"last_days": 14}),
        ),
    ),
    Starter(
        noop("Viewed, then bought the product"),
        noop("Looked at a product within the last 30 days and bought the same product within 3 days."),
        noop("ask for a review, and show what goes with the product."),
        all_of(sequence("view", "purchase", follows=True, within_days=3, window={"last_days": 30})),
    ),
    Starter(
        noop("Top 10 % by revenue"),
        noop("The tenth of all customers with the most net revenue, as far as they have ordered."),
        noop("thank them, and give them the first look at what is new."),
        all_of(compare("total_purchase_value", "top_percent", "10"), compare("total_purchase", "ge", 1)),
    ),
    Starter(
        noop("Spent 500 in 30 days"),
        noop(
            "Paid 500 or more for purchases within the last 30 days, in the shop's currency; change the amount to fit your shop."
        ),
        noop("offer a personal contact, or free delivery for the next order."),
        all_of(at_least("purchase", "money", "500.00", {"last_days": 30})),
    ),
    Starter(
        noop("High average order"),
        noop("Repeat buyers whose average order is among the highest 20 % of all buyers."),
        noop("offer better products and service instead of discounts: they pay for what they like."),
        all_of(in_segment("Repeat buyers"), compare("avg_purchase_value", "top_percent", "20")),
    ),
    Starter(
        noop("Bought from many categories"),
        noop("Bought from 3 different categories or more."),
        noop("recommend across the whole shop, not only what resembles the last order."),
        all_of(at_least("purchase", "categories", 3)),
    ),
    Starter(
        noop("Loyal to one brand"),
        noop("Ordered 3 times or more, always from the same brand."),
        noop("tell them first about what is new from that brand."),
        all_of(compare("brands_bought", "eq", 1), compare("total_purchase", "ge", 3)),
    ),
    Starter(
        noop("Refund-prone"),
        noop("Had 2 refunded lines or more, or a refund with at most 2 orders."),
        noop("ask what was wrong, and improve sizes, pictures and descriptions of these products."),
        any_of(
            compare("refunds", "ge", 2),
            all_of(at_least("refund", "events", 1), compare("total_purchase", "le", 2)),
        ),
    ),
    Starter(
        noop("Champions and loyal customers"),
        noop("Buy often, for much and not long ago (RFM groups Champions and Loyal), and are not refund-prone."),
        noop("ask for reviews and recommendations to friends."),
        all_of(compare("rfm_group", "in", ["Champions", "Loyal"]), {"not": in_segment("Refund-prone")}),
    ),
    Starter(
        noop("Sliding down"),
        noop("Were in one of the three best RFM groups 30 days ago, and are now in a group of customers who stay away."),
        noop("win them back now, before they are used to another shop."),
        all_of(
            compare("rfm_group_30d_ago", "in", ["Champions", "Loyal", "Potential loyalists"]),
            compare("rfm_group", "in", ["About to sleep", "At risk", "Cannot lose them", "Hibernating", "Lost"]),
        ),
    ),
    Starter(
        noop("Big spenders at risk"),
        noop("In the top 10 % by revenue and with the best money score, but without an order for 30 days or more."),
        noop("contact them personally; they are worth a good offer."),
        all_of(in_segment("Top 10 % by revenue"), compare("monetary_score", "eq", 5), compare("days_since_order", "ge", 30)),
    ),
    Starter(
        noop("Bought last month, not this month"),
        noop("Ordered in the calendar month before, and not yet in this one."),
        noop("remind them before the month ends; early in a month most of them simply have not come yet."),
        all_of(did("purchase", "last_month"), did_not("purchase", "this_month")),
    ),
    Starter(
        noop("Lapsed buyers"),
        noop("Ordered for the last time 45 days ago or more, and were not seen within the last 30 days."),
        noop("try one good offer, and stop writing to those who do not answer."),
        all_of(compare("days_since_order", "ge", 45), did_not("any", {"last_days": 30})),
    ),
    Starter(
        noop("Back after a pause"),
        noop("Seen within the last 7 days, but not in the 23 days before these, and known for 30 days or more."),
        noop("greet them with what has changed since their last visit."),
        all_of(
            did("any", {"last_days": 7}),
            did_not("any", {"days_ago": [7, 29]}),
            compare("first_seen", "more_than_days_ago", 29),
        ),
    ),
    Starter(
        noop("Weekend shoppers"),
        noop("60 % or more of what they do is on Saturdays and Sundays (UTC), on 3 different days or more."),
        noop("write to them on Friday evening or Saturday morning."),
        all_of(
            at_least("any", "share_of_events", "60", "ever", (where("weekday", "between", [6, 7]),)),
            at_least("any", "days", 3),
        ),
    ),
    Starter(
        noop("Evening spenders"),
        noop(
            "Spend 60 % or more of their money from 18:00 to midnight (UTC; change the hours to fit your time zone), "
            "with orders on 2 different days or more."
        ),
        noop("start offers of the day in the late afternoon."),
        all_of(
            at_least("purchase", "share_of_money", "60", "ever", (where("hour", "between", [18, 23]),)),
            compare("order_days", "ge", 2),
        ),
    ),
    Starter(
        noop("A month or years with us"),
        noop("First ordered 28 to 34 days ago, or has the anniversary of the first order today or within the next 6 days."),
        noop("thank them for the month or the year, for example with a small present."),
        any_of(compare("first_order", "days_ago_between", [28, 34]), compare("first_order", "anniversary_in_days", 7)),
    ),
)


@transaction.atomic
def starters_ensure() -> int:
    """Create all starters if there is no segment at all, archived ones included; returns how many were created. A starter that
    somebody deletes or archives does not come back."""
    if Segment.objects.exists():
        return 0
    ids: dict[str, int] = {}
    for starter in STARTERS:
        document = build_document(starter.node, ids)
        ids[starter.name] = segment_add(name=starter.name, description=starter.description, rule=document).pk
    return len(STARTERS)

"""What a lifecycle and an RFM group mean for the shop, and the recommended next step."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cdp_web.layout.facts import lazy_choice


@dataclass(frozen=True, slots=True)
class Advice:
    title: Promise | str
    meaning: Promise
    move: Promise


GROUP_ADVICE: dict[str, Advice] = {
    "Champions": Advice(
        lazy_choice("Champions"),
        _("They bought recently, often and for much money."),
        _("Thank them, show them new products first, and ask for reviews. They need no discount."),
    ),
    "Loyal": Advice(
        lazy_choice("Loyal"),
        _("They buy often and for much money, and their last order is not long ago."),
        _("Offer a loyalty programme, and suggest what goes with their orders."),
    ),
    "Potential loyalists": Advice(
        lazy_choice("Potential loyalists"),
        _("They bought recently, and more than once or for a fair amount."),
        _("Suggest products like those they bought, and invite them to become members."),
    ),
    "New customers": Advice(
        lazy_choice("New customers"),
        _("They bought just now, and little so far."),
        _("Welcome them, help them with the first order, and give a reason for the second."),
    ),
    "Promising": Advice(
        lazy_choice("Promising"),
        _("They bought recently, and little so far."),
        _("Show them what is popular, with free delivery on the next order."),
    ),
    "Need attention": Advice(
        lazy_choice("Need attention"),
        _("They are average in recency, number of orders and money."),
        _("Send an offer with an end date, chosen by what they looked at."),
    ),
    "About to sleep": Advice(
        lazy_choice("About to sleep"),
        _("They bought little, and some time ago."),
        _("Remind them with bestsellers and news before they are gone."),
    ),
    "At risk": Advice(
        lazy_choice("At risk"),
        _("They are good customers who have not bought for a long time."),
        _("Send a win-back offer with a personal note, and ask what is missing."),
    ),
    "Cannot lose them": Advice(
        lazy_choice("Cannot lose them"),
        _("They were among the best customers, and have been away the longest."),
        _("Contact them in person with your best offer, before another shop wins them."),
    ),
    "Hibernating": Advice(
        lazy_choice("Hibernating"),
        _("They bought little, and long ago."),
        _("Include them in seasonal campaigns only, at low cost."),
    ),
    "Lost": Advice(
        lazy_choice("Lost"),
        _("They have been away the longest, and never were among the best."),
        _("Try one good offer; then stop writing to those who do not answer."),
    ),
}  # fmt: skip
LIFECYCLE_ADVICE: dict[str, Advice] = {
    "new": Advice(
        lazy_choice("new"),
        _("First seen in the last 30 days."),
        _("Welcome them, and make the first order easy."),
    ),
    "active": Advice(
        lazy_choice("active"),
        _("Seen in the last 30 days, and known for longer."),
        _("Keep them coming: news, recommendations, reviews."),
    ),
    "returned": Advice(
        lazy_choice("returned"),
        _("Ordered again in the last 30 days after a pause of at least 60 days."),
        _("Greet them, and show what has changed since their last order."),
    ),
    "at risk": Advice(
        lazy_choice("at risk"),
        _("Last seen 30 to 59 days ago."),
        _("Send a win-back offer to those who have ordered before."),
    ),
    "lapsed": Advice(
        lazy_choice("lapsed"),
        _("Last seen 60 days ago or more."),
        _("Try one good offer; then write to them less often."),
    ),
}  # fmt: skip

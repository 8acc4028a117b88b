"""What a lifecycle and an RFM group mean for the shop, and the recommended next step."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Advice:
    meaning: str | Promise
    move: str | Promise


LIFECYCLE_ADVICE: dict[str, Advice] = {
    "new": Advice(
        _("First seen within the last 30 days."), _("Welcome the customer, and show what the shop is known for.")
    ),
    "active": Advice(_("Seen within the last 30 days."), _("Show what is new in the favourite categories.")),
    "at risk": Advice(_("Last seen 30 to 59 days ago."), _("Remind the customer of the shop before it is forgotten.")),
    "lapsed": Advice(_("Last seen 60 days ago or more."), _("Make one last good offer; then save the cost of contact.")),
    "returned": Advice(
        _("Ordered within the last 30 days, after 60 days or more without an order."),
        _("Thank the customer for coming back, and suggest what goes with the last order."),
    ),
}  # fmt: skip
RFM_ADVICE: dict[str, Advice] = {
    "Champions": Advice(
        _("Bought very recently, often and for much."), _("Reward the customer: early access, thanks, a request for a review.")
    ),
    "Loyal": Advice(
        _("Buys often and for much, and not long ago."),
        _("Invite the customer to a loyalty programme, and suggest better products."),
    ),
    "Potential loyalists": Advice(
        _("Bought recently, more than once or for more than a little."), _("Suggest what goes with the last order.")
    ),
    "New customers": Advice(
        _("Bought very recently, and little so far."), _("Help with the first order, and make the second one easy.")
    ),
    "Promising": Advice(_("Bought recently, and little so far."), _("Offer a reason to come back soon, such as free delivery.")),
    "Need attention": Advice(
        _("In the middle by recency, frequency and money."), _("Send an offer with an end date for the favourite category.")
    ),
    "About to sleep": Advice(
        _("Bought little, some time ago."), _("Remind the customer of popular products and of recent views.")
    ),
    "At risk": Advice(
        _("A good customer who has not bought for a long time."), _("Send a personal win-back offer now.")
    ),
    "Cannot lose them": Advice(
        _("Once among the best, and away the longest."), _("Contact the customer personally, and ask what went wrong.")
    ),
    "Hibernating": Advice(_("Bought little, long ago."), _("Send an offer at low cost, such as a newsletter.")),
    "Lost": Advice(
        _("Away the longest, and never among the best."), _("Don't spend on this customer, except in a broad campaign.")
    ),
}  # fmt: skip

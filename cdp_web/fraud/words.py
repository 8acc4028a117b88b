"""The words of rules: titles of kinds, labels of parameters, and a sentence for each rule."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cdp_web.layout import formats

KIND_TITLES: Mapping[str, str | Promise] = {
    "frequency": gettext_lazy("Many orders"),
    "amount": gettext_lazy("Large order"),
    "repeated_basket": gettext_lazy("Same products again"),
    "shared_basket": gettext_lazy("Same products, different customers"),
    "failed_payments": gettext_lazy("Failed payments"),
    "new_account": gettext_lazy("Large order of a new account"),
}
#: What a kind is for.
KIND_ABOUT: Mapping[str, str | Promise] = {
    "frequency": gettext_lazy("One customer orders far more often than people do: a stolen card or a program."),
    "amount": gettext_lazy("A single order is so large that a person should look at it before it is sent."),
    "repeated_basket": gettext_lazy("One customer orders the same products again and again: a reseller, or a limit evaded."),
    "shared_basket": gettext_lazy("Several accounts order the same products at the same time: one person with many accounts."),
    "failed_payments": gettext_lazy("A customer's payments fail one after the other: somebody tries stolen cards."),
    "new_account": gettext_lazy("An account that was just made places a large order."),
}
#: Kind and parameter -> label and help.
LABELS: Mapping[tuple[str, str], tuple[str | Promise, str | Promise]] = {
    ("frequency", "orders"): (gettext_lazy("More orders than"), gettext_lazy("The next order makes the alert.")),
    ("frequency", "minutes"): (gettext_lazy("Within minutes"), ""),
    ("amount", "amount"): (gettext_lazy("Amount over"), gettext_lazy("The money of all lines of the order.")),
    ("repeated_basket", "orders"): (gettext_lazy("Orders with the same products"), gettext_lazy("Of one customer.")),
    ("repeated_basket", "products"): (
        gettext_lazy("Different products at least"),
        gettext_lazy("Orders with fewer different products do not count. Quantities are not compared."),
    ),
    ("repeated_basket", "minutes"): (gettext_lazy("Within minutes"), ""),
    ("shared_basket", "different"): (gettext_lazy("Different customers"), ""),
    ("shared_basket", "products"): (
        gettext_lazy("Different products at least"),
        gettext_lazy("With 1, every best seller makes alerts. Quantities are not compared."),
    ),
    ("shared_basket", "minutes"): (gettext_lazy("Within minutes"), ""),
    ("failed_payments", "payments"): (
        gettext_lazy("Failed payments in a row"),
        gettext_lazy("Over all orders of a customer. A payment that succeeds begins a new row."),
    ),
    ("failed_payments", "minutes"): (gettext_lazy("Within minutes"), ""),
    ("new_account", "hours"): (gettext_lazy("Signed up less than hours before"), ""),
    ("new_account", "amount"): (gettext_lazy("Amount over"), gettext_lazy("The money of all lines of the order.")),
}


def describe_rule(kind: str, parameters: Mapping[str, Any]) -> str:
    """The rule in one sentence, without a full stop."""
    values = {name: formats.count(int(value)) for name, value in parameters.items() if name != "amount"}
    if "amount" in parameters:
        values["amount"] = formats.money(Decimal(str(parameters["amount"])))
    sentence = _choose_sentence(kind, parameters) % values
    if int(parameters.get("products", 1)) > 1:
        sentence += _(" (%(products)s different products or more)") % values
    return sentence


def _choose_sentence(kind: str, parameters: Mapping[str, Any]) -> str:
    match kind:
        case "frequency":
            return ngettext(
                "More than %(orders)s order of one customer within %(minutes)s min",
                "More than %(orders)s orders of one customer within %(minutes)s min",
                int(parameters["orders"]),
            )
        case "amount":
            return _("An order over %(amount)s")
        case "repeated_basket":
            return _("%(orders)s orders of one customer with the same products within %(minutes)s min")
        case "shared_basket":
            return _("Orders of %(different)s different customers with the same products within %(minutes)s min")
        case "failed_payments":
            return _("%(payments)s failed payments of one customer in a row within %(minutes)s min")
        case "new_account":
            return _("An order over %(amount)s less than %(hours)s h after the customer signed up")
    raise ValueError(f"there is no kind {kind!r} of fraud rules")

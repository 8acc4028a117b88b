"""Names of models, sources, places and lists as people read them. A name that is not here is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

MODELS: Mapping[str, Promise] = {
    "als": gettext_lazy("Taste of similar customers"),
    "seen-together": gettext_lazy("Seen in the same visits"),
    "alike": gettext_lazy("Same category, brand and price"),
    "popular": gettext_lazy("Most popular"),
    "popular-in-category": gettext_lazy("Popular in the customer's categories"),
    "own-past": gettext_lazy("The customer's own past"),
    "champion": gettext_lazy("The model that the evaluation chose"),
}
#: How a list was made. The list of one model has the model's name.
SOURCES: Mapping[str, Promise] = {
    **MODELS,
    "session": gettext_lazy("What the customer looks at now"),
    "stored": gettext_lazy("List of the last publication"),
    "computed": gettext_lazy("The customer's history, news included"),
    "popular": gettext_lazy("Popular in the last 7 days"),
    "popular-in-category": gettext_lazy("Popular in the category"),
    "nothing": gettext_lazy("No product was found"),
}
PLACES: Mapping[str, Promise] = {
    "": gettext_lazy("Everywhere"),
    "home": gettext_lazy("Home page"),
    "product": gettext_lazy("Product page"),
    "category": gettext_lazy("Category page"),
    "cart": gettext_lazy("Cart"),
}
LISTS: Mapping[str, Promise] = {
    "for-you": gettext_lazy("For you"),
    "buy-again": gettext_lazy("Buy again"),
    "goes-with": gettext_lazy("Goes with it"),
    "similar": gettext_lazy("Similar"),
}
#: The checks of the gate.
CHECKS: Mapping[str, Promise] = {
    "enough customers": gettext_lazy("Enough customers tested"),
    "nothing learned from the test days": gettext_lazy("Learned nothing from the test days"),
    "finite": gettext_lazy("All numbers are finite"),
    "better than popular": gettext_lazy("Better than the most popular products"),
    "better than popular in category": gettext_lazy("Better than what is popular in the category"),
    "not worse than the champion": gettext_lazy("Not worse than the champion"),
    "many products": gettext_lazy("Recommends many products"),
    "not the same products for all": gettext_lazy("Not the same products for all"),
    "no gain for mixed-up customers": gettext_lazy("No gain for mixed-up customers"),
    "served as trained": gettext_lazy("Served as trained"),
    "sound in full": gettext_lazy("The full model is sound"),
}


def name(words: Mapping[str, Promise], key: str) -> str:
    return str(words.get(key, key))

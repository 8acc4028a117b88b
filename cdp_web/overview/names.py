"""Names of categories and brands as the pages show them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cdp_web.names.selectors import ARROW


def name_category(category: str, name: str = "") -> str:
    """Its name in the shop; otherwise `electronics.audio.headphone` is electronics › audio › headphone."""
    return name or category.replace("_", " ").replace(".", ARROW) or _("no category")


def name_brand(brand: str) -> str:
    return brand or _("no brand")

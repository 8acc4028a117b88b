"""Names of categories and brands as the pages show them."""

from __future__ import annotations

from django.utils.translation import gettext as _


def name_category(category: str) -> str:
    """`electronics.audio.headphone` is electronics › audio › headphone."""
    return category.replace("_", " ").replace(".", " › ") or _("no category")


def name_brand(brand: str) -> str:
    return brand or _("no brand")

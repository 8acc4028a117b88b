"""Saved views of the customer list: who sees one, and its changes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from cdp_web.accounts.roles import role_get
from cdp_web.customers.listing import CustomerQuery, list_pairs, parse_query
from cdp_web.customers.models import SavedView

#: Views of one user.
MAX_VIEWS = 100
#: Views that the list offers: those of the user, and shared ones.
VIEWS_SHOWN = 300


def views_get(user: Any) -> list[SavedView]:
    """The user's own views and the shared ones of others, by name."""
    visible = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True)).select_related("owner")
    return list(visible[:VIEWS_SHOWN])


def view_get_to_change(user: Any, view_id: int) -> SavedView:
    """A view that the user may change: the owner's own, and shared ones for administrators. Others don't exist for the user."""
    view = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), pk=view_id).first()
    if view is None:
        raise Http404(_("There is no such view."))
    if not may_change(user, view):
        raise PermissionDenied(_("Only its owner or an administrator can change this view."))
    return view


def may_change(user: Any, view: SavedView) -> bool:
    role = role_get(user)
    return view.owner_id == user.pk or (role is not None and role.is_admin)


def view_create(*, owner: Any, name: str, parameters: str, is_shared: bool = False) -> SavedView:
    """Raises ListingError or RuleInvalid if the parameters are not those of a list, and ValidationError for a bad name."""
    if SavedView.objects.filter(owner=owner).count() >= MAX_VIEWS:
        raise ValidationError(_("You have the most views that a user can have. Delete one first."))
    view = SavedView(owner=owner, name=clean_name(name), parameters=normalize(parameters), is_shared=is_shared)
    view.full_clean()
    view.save()
    return view


def view_update(*, view: SavedView, name: str, is_shared: bool) -> None:
    view.name, view.is_shared = clean_name(name), is_shared
    view.full_clean()
    view.save(update_fields=["name", "is_shared"])


def write_parameters(query: CustomerQuery) -> str:
    """The parameters of a list's address in the form in which views store them, without the place of the page."""
    return urlencode(list_pairs(query))


def normalize(parameters: str) -> str:
    return write_parameters(parse_query(QueryDict(parameters)))


def clean_name(text: str) -> str:
    """Postgres refuses NUL characters."""
    return text.replace("\0", "").strip()

"""The page of saved views, and their changes."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cdp_web.customers import saved_views
from cdp_web.customers.errors import show_list_errors


@require_safe
def view_list(request: HttpRequest) -> HttpResponse:
    rows = [(view, saved_views.may_change(request.user, view)) for view in saved_views.views_get(request.user)]
    return render(request, "customers/views.html", {"rows": rows})


@require_POST
@show_list_errors
def view_create(request: HttpRequest) -> HttpResponse:
    form = request.POST
    address = f"{reverse('customers:list')}?{saved_views.normalize(form.get('parameters', ''))}"
    try:
        view = saved_views.view_create(
            owner=request.user,
            name=form.get("name", ""),
            parameters=form.get("parameters", ""),
            is_shared=form.get("is_shared") == "1",
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(address)


@require_POST
def view_change(request: HttpRequest, view_id: int) -> HttpResponse:
    view = saved_views.view_get_to_change(request.user, view_id)
    try:
        saved_views.view_update(view=view, name=request.POST.get("name", ""), is_shared=request.POST.get("is_shared") == "1")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect("customers:views")


@require_POST
def view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    view = saved_views.view_get_to_change(request.user, view_id)
    view.delete()
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return redirect("customers:views")

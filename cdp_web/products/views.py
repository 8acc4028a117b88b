"""The page of one product, and its part with neighbours, which asks the recommendation API."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cdp_web.charts.csv import answer_csv
from cdp_web.layout.pages import answer_bad_request
from cdp_web.names.people import people_get
from cdp_web.names.selectors import names_get
from cdp_web.products.charts import MEASURES, chart_trend
from cdp_web.products.page import product_read
from cdp_web.products.selectors import product_get
from cdp_web.recommend.lists import neighbours_read
from cdp_web.serving.publications import publication_get_for_request


@require_safe
def product_detail(request: HttpRequest, product_id: str) -> HttpResponse:
    if request.GET.get("part") == "neighbours":
        return render(request, "recommend/lists.html", {"panel": neighbours_read(product_id)})
    measure = request.GET.get("show") or next(iter(MEASURES))
    if measure not in MEASURES:
        return answer_bad_request(request, f"show must be one of {', '.join(MEASURES)}.")
    publication = publication_get_for_request(request)
    product = product_get(product_id)
    if product is None:
        raise Http404(_("There is no product with the ID “%(id)s”.") % {"id": product_id})
    report = product_read(product, publication)
    trend = chart_trend(report, measure)
    if file := answer_csv(request, [trend]):
        return file
    context = {
        "report": report, "product": product, "trend": trend, "names": names_get(categories=[product.category]),
        "people": people_get(request.user, [each.customer_id for each in report.buyers]),
    }  # fmt: skip
    return render(request, "products/detail.html", context)

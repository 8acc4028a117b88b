from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cdp_web.api import customers, insight, nights, overview, preview, segments

app_name = "api"
urlpatterns = [
    # The split view keeps its script in a separate file, as the content security policy requires.
    path("docs", login_required(SpectacularSwaggerSplitView.as_view(url_name="api:schema")), name="docs"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("v1/overview", overview.OverviewApi.as_view(), name="overview"),
    path("v1/catalogue", overview.CatalogueApi.as_view(), name="catalogue"),
    path("v1/customers", customers.CustomerListApi.as_view(), name="customer-list"),
    path("v1/customers/<path:customer_id>", customers.CustomerDetailApi.as_view(), name="customer-detail"),
    path("v1/nights", nights.NightListApi.as_view(), name="night-list"),
    path("v1/nights/<int:run_id>", nights.NightDetailApi.as_view(), name="night-detail"),
    path("v1/segments", segments.SegmentListApi.as_view(), name="segment-list"),
    path("v1/segments/preview", preview.SegmentPreviewApi.as_view(), name="segment-preview"),
    path("v1/segments/<int:segment_id>", segments.SegmentDetailApi.as_view(), name="segment-detail"),
    path("v1/segments/<int:segment_id>/run", segments.SegmentRunApi.as_view(), name="segment-run"),
    path("v1/segments/<int:segment_id>/runs", segments.SegmentRunListApi.as_view(), name="segment-runs"),
    path("v1/segments/<int:segment_id>/members", segments.SegmentMembersApi.as_view(), name="segment-members"),
    path("v1/segments/overlap", insight.SegmentOverlapApi.as_view(), name="segment-overlap"),
    path("v1/segments/<int:segment_id>/history", insight.SegmentHistoryApi.as_view(), name="segment-history"),
    path("v1/segments/<int:segment_id>/impact", insight.SegmentImpactApi.as_view(), name="segment-impact"),
    path("v1/segments/<int:segment_id>/versions", insight.SegmentVersionsApi.as_view(), name="segment-versions"),
    path("v1/segments/<int:segment_id>/versions/difference", insight.VersionDifferenceApi.as_view(), name="segment-difference"),
    path("v1/segments/<int:segment_id>/versions/<int:number>/revert", insight.SegmentRevertApi.as_view(), name="segment-revert"),
    path("v1/segments/<int:segment_id>/explain/<path:customer_id>", insight.SegmentExplainApi.as_view(), name="segment-explain"),
]

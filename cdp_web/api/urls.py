from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cdp_web.api import (
    catalogue,
    customers,
    exceptions,
    export,
    insight,
    insights,
    lists,
    nights,
    overview,
    preview,
    recommendations,
    runs,
    segments,
    webhooks,
)

app_name = "api"
urlpatterns = [
    # The split view keeps its script in a separate file, as the content security policy requires.
    path("docs", login_required(SpectacularSwaggerSplitView.as_view(url_name="api:schema")), name="docs"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("v1/overview", overview.OverviewApi.as_view(), name="overview"),
    path("v1/catalogue", overview.CatalogueApi.as_view(), name="catalogue"),
    path("v1/catalogue/behaviours", catalogue.BehavioursApi.as_view(), name="catalogue-behaviours"),
    path("v1/catalogue/recommended", catalogue.RecommendedApi.as_view(), name="catalogue-recommended"),
    path("v1/catalogue/values", catalogue.ValuesApi.as_view(), name="catalogue-values"),
    path("v1/catalogue/categories", catalogue.CategoriesApi.as_view(), name="catalogue-categories"),
    path("v1/catalogue/distribution", catalogue.DistributionApi.as_view(), name="catalogue-distribution"),
    path("v1/customers", customers.CustomerListApi.as_view(), name="customer-list"),
    path("v1/customers/<path:customer_id>/segments", customers.CustomerSegmentsApi.as_view(), name="customer-segments"),
    path("v1/customers/<path:customer_id>/interests", customers.CustomerInterestsApi.as_view(), name="customer-interests"),
    path("v1/customers/<path:customer_id>", customers.CustomerDetailApi.as_view(), name="customer-detail"),
    path("v1/insights/products", insights.ProductsApi.as_view(), name="insights-products"),
    path("v1/insights/audience", insights.AudienceApi.as_view(), name="insights-audience"),
    path("v1/insights/retention", insights.RetentionApi.as_view(), name="insights-retention"),
    path("v1/lists", lists.ListsApi.as_view(), name="list-list"),
    path("v1/lists/<int:list_id>", lists.ListApi.as_view(), name="list-detail"),
    path("v1/lists/<int:list_id>/members", lists.ListMembersApi.as_view(), name="list-members"),
    path("v1/nights", nights.NightListApi.as_view(), name="night-list"),
    path("v1/nights/<int:run_id>", nights.NightDetailApi.as_view(), name="night-detail"),
    path("v1/recommendations", recommendations.RecommendationsApi.as_view(), name="recommendations"),
    path("v1/segments", segments.SegmentListApi.as_view(), name="segment-list"),
    path("v1/segments/preview", preview.SegmentPreviewApi.as_view(), name="segment-preview"),
    path("v1/segments/<int:segment_id>", segments.SegmentDetailApi.as_view(), name="segment-detail"),
    path("v1/segments/<int:segment_id>/restore", segments.SegmentRestoreApi.as_view(), name="segment-restore"),
    path("v1/segments/<int:segment_id>/run", runs.SegmentRunApi.as_view(), name="segment-run"),
    path("v1/segments/<int:segment_id>/runs", runs.SegmentRunListApi.as_view(), name="segment-runs"),
    path("v1/segments/<int:segment_id>/runs/<int:run_id>", runs.SegmentRunDetailApi.as_view(), name="segment-run-detail"),
    path("v1/segments/<int:segment_id>/runs/<int:run_id>/cancel", runs.SegmentRunCancelApi.as_view(), name="segment-run-cancel"),
    path("v1/segments/<int:segment_id>/members", segments.SegmentMembersApi.as_view(), name="segment-members"),
    path(
        "v1/segments/<int:segment_id>/recommendations",
        recommendations.SegmentRecommendationsApi.as_view(),
        name="segment-recommendations",
    ),
    path(
        "v1/segments/<int:segment_id>/export/recommendations",
        export.ExportRecommendationsApi.as_view(),
        name="segment-export-recommendations",
    ),
    path("v1/segments/<int:segment_id>/export", export.ExportApi.as_view(), name="segment-export"),
    path("v1/segments/<int:segment_id>/export/manifest", export.ExportManifestApi.as_view(), name="segment-export-manifest"),
    path("v1/webhooks", webhooks.WebhookListApi.as_view(), name="webhook-list"),
    path("v1/webhooks/<int:webhook_id>", webhooks.WebhookDetailApi.as_view(), name="webhook-detail"),
    path("v1/webhooks/<int:webhook_id>/deliveries", webhooks.DeliveryListApi.as_view(), name="webhook-deliveries"),
    path(
        "v1/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/resend",
        webhooks.DeliveryResendApi.as_view(),
        name="webhook-resend",
    ),
    path("v1/segments/overlap", insight.SegmentOverlapApi.as_view(), name="segment-overlap"),
    path("v1/segments/<int:segment_id>/history", insight.SegmentHistoryApi.as_view(), name="segment-history"),
    path("v1/segments/<int:segment_id>/impact", insight.SegmentImpactApi.as_view(), name="segment-impact"),
    path("v1/segments/<int:segment_id>/versions", insight.SegmentVersionsApi.as_view(), name="segment-versions"),
    path("v1/segments/<int:segment_id>/versions/difference", insight.VersionDifferenceApi.as_view(), name="segment-difference"),
    path("v1/segments/<int:segment_id>/versions/<int:number>/revert", insight.SegmentRevertApi.as_view(), name="segment-revert"),
    path("v1/segments/<int:segment_id>/explain/<path:customer_id>", insight.SegmentExplainApi.as_view(), name="segment-explain"),
    # The last one: whatever no line above knows.
    re_path("^(?P<path>.*)$", exceptions.answer_unknown_path, name="unknown"),
]

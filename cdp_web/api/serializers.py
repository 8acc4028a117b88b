"""Serializers that several answers share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from cdp.kinds import DIGITS, MONEY_SCALE, NUMBER_SCALE
from cdp.metrics import METRICS, Metric
from cdp_web.segments.models import SegmentRun

PERSONAL = "Null if the shop has none, or if you may not see personal data."


class PublicationSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    day = serializers.DateField(help_text="Metrics are as of the end of this day (UTC).")
    published_at = serializers.DateTimeField()


class NamedSegmentSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class RunSerializer(serializers.ModelSerializer):
    version = serializers.IntegerField(source="version.number")
    share = serializers.FloatField(allow_null=True)

    class Meta:
        model = SegmentRun
        fields = (
            "id", "version", "publication_id", "day", "queue", "engine", "status", "step", "attempt", "count", "entered", "left",
            "total", "share", "requested_at", "started_at", "finished_at", "error",
        )  # fmt: skip


class RuleField(serializers.JSONField):
    """The document of a rule as it came; cdp/rules checks it. The field's own check would recurse into it."""

    def to_internal_value(self, data: Any) -> Any:
        return data


def build_metric_field(metric: Metric) -> serializers.Field:
    """The field for a metric's value in JSON: amounts are text, so no cent is lost."""
    about: dict[str, Any] = {"help_text": metric.about, "allow_null": True, "required": False}
    match metric.kind:
        case "integer":
            return serializers.IntegerField(**about)
        case "money":
            return serializers.DecimalField(max_digits=DIGITS, decimal_places=MONEY_SCALE, **about)
        case "number":
            return serializers.DecimalField(max_digits=DIGITS, decimal_places=NUMBER_SCALE, **about)
        case "date":
            return serializers.DateField(**about)
    return serializers.CharField(**about)


def build_metrics_serializer(
    name: str, metrics: tuple[Metric, ...] = METRICS, /, **more: serializers.Field
) -> type[serializers.Serializer]:
    """A serializer with one field per metric, made from the catalogue."""
    return type(name, (serializers.Serializer,), {**more, **{metric.key: build_metric_field(metric) for metric in metrics}})

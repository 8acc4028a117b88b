"""Webhooks: add, change, delete, and the log of deliveries."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.accounts.roles import Role
from cdp_web.segments.models import Webhook, WebhookDelivery
from cdp_web.segments.webhooks import services


class WebhookSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", allow_null=True, default=None)

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id", "name", "url", "segment", "is_active", "failures", "disabled_reason", "created_by", "created_at",
        )  # fmt: skip


class WebhookCreatedSerializer(WebhookSerializer):
    class Meta:
        model = Webhook
        fields = (*WebhookSerializer.Meta.fields, "secret")


class WebhookInputSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    url = serializers.CharField(max_length=1000)
    segment = serializers.IntegerField(allow_null=True, default=None, help_text="Null: all segments.")


class WebhookChangeSerializer(WebhookInputSerializer):
    is_active = serializers.BooleanField(default=True, help_text="True also switches on a webhook that was disabled.")


class DeliverySerializer(serializers.ModelSerializer):
    message_id = serializers.CharField()
    segment = serializers.IntegerField(source="run.segment_id")

    class Meta:
        model = WebhookDelivery
        fields = (
            "id", "message_id", "segment", "run", "part", "status", "attempt", "response_status", "response_body", "next_try_at",
            "sent_at", "created_at",
        )  # fmt: skip


class WebhookListApi(APIView):
    required_role = Role.ADMIN

    @extend_schema(operation_id="webhook_list", responses=WebhookSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All webhooks, sorted by name."""
        return Response(WebhookSerializer(services.webhooks_list(), many=True).data)

    @extend_schema(operation_id="webhook_create", request=WebhookInputSerializer, responses={201: WebhookCreatedSerializer})
    def post(self, request: Request) -> Response:
        """Add a webhook. Only this answer contains its secret."""
        data = WebhookInputSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        webhook = services.webhook_create(
            name=values["name"], url=values["url"], segment_id=values["segment"], created_by=request.user
        )
        return Response(WebhookCreatedSerializer(webhook).data, status=status.HTTP_201_CREATED)


class WebhookDetailApi(APIView):
    required_role = Role.ADMIN

    @extend_schema(operation_id="webhook_detail", responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: int) -> Response:
        return Response(WebhookSerializer(_get_webhook(webhook_id)).data)

    @extend_schema(operation_id="webhook_update", request=WebhookChangeSerializer, responses=WebhookSerializer)
    def put(self, request: Request, webhook_id: int) -> Response:
        """Change a webhook; its secret stays."""
        data = WebhookChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        webhook = services.webhook_update(
            webhook=_get_webhook(webhook_id),
            name=values["name"],
            url=values["url"],
            segment_id=values["segment"],
            is_active=values["is_active"],
        )
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(operation_id="webhook_delete", responses={204: None})
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Delete a webhook with its log."""
        services.webhook_delete(webhook=_get_webhook(webhook_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DeliveryListApi(APIView):
    required_role = Role.ADMIN

    @extend_schema(operation_id="webhook_deliveries", responses=DeliverySerializer(many=True))
    def get(self, request: Request, webhook_id: int) -> Response:
        """The latest deliveries, newest first."""
        return Response(DeliverySerializer(services.deliveries_get_latest(_get_webhook(webhook_id)), many=True).data)


class DeliveryResendApi(APIView):
    required_role = Role.ADMIN

    @extend_schema(operation_id="webhook_resend", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        """Send a delivery again, under the same message id."""
        delivery = _get_webhook(webhook_id).deliveries.select_related("run", "webhook").filter(pk=delivery_id).first()
        if delivery is None:
            raise Http404
        return Response(DeliverySerializer(services.delivery_resend(delivery=delivery)).data, status=status.HTTP_202_ACCEPTED)


def _get_webhook(webhook_id: int) -> Webhook:
    webhook = services.webhook_get(webhook_id)
    if webhook is None:
        raise Http404
    return webhook

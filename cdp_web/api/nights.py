"""The latest nights and their outcome."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdp_web.serving import nights


class AcceptedSerializer(serializers.Serializer):
    check = serializers.CharField()
    who = serializers.CharField(help_text="The login name of the user who ran the night.")
    why = serializers.CharField()
    at = serializers.DateTimeField(source="moment")


class CheckSerializer(serializers.Serializer):
    name = serializers.CharField()
    state = serializers.CharField(help_text="ok, failed or accepted.")
    says = serializers.CharField()
    accepted = AcceptedSerializer(allow_null=True)


class NightSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    day = serializers.DateField()
    state = serializers.CharField(help_text="running, published, needless, failed or cut off.")
    begun_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    step = serializers.CharField(allow_null=True, help_text="The last step that started.")
    reason = serializers.CharField(allow_null=True, help_text="Why the night failed.")
    seconds = serializers.DictField(child=serializers.FloatField(), help_text="By finished step.")
    checks = CheckSerializer(many=True)
    publication = serializers.IntegerField(
        allow_null=True, help_text="The publication that the night made, or was about to make."
    )


class NightListApi(APIView):
    @extend_schema(operation_id="night_list", responses=NightSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The latest nights, newest first."""
        return Response(NightSerializer(nights.nights_get_latest(), many=True).data)


class NightDetailApi(APIView):
    @extend_schema(operation_id="night_detail", responses=NightSerializer)
    def get(self, request: Request, run_id: int) -> Response:
        """One night."""
        run = nights.night_get(run_id)
        if run is None:
            raise Http404(f"There is no night {run_id}.")
        return Response(NightSerializer(run).data)

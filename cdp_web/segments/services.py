"""Creates and changes segments. A changed rule becomes a new version, and every version is computed at once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone

from cdp.rules import encode, hash_rule
from cdp_web.segments.models import MAX_SEGMENTS, Segment, SegmentVersion
from cdp_web.segments.rules import rule_read
from cdp_web.segments.runs import segment_run_request
from cdp_web.serving.errors import NothingPublished


class EditConflict(ValueError):
    """Somebody else has saved the segment in the meantime."""


@transaction.atomic
def segment_create(*, name: str, rule: object, description: str = "", owner: Any = None) -> Segment:
    _refuse_too_many()
    parsed = rule_read(rule)
    segment = Segment(
        name=name.strip(), description=description.strip(), rule=encode(parsed), rule_hash=hash_rule(parsed), owner=owner
    )
    segment.full_clean()
    segment.save()
    _version_add(segment, author=owner)
    _run_if_published(segment, requested_by=owner)
    return segment


@transaction.atomic
def segment_update(
    *, segment_id: int, expected_version: int, name: str, rule: object, description: str = "", author: Any = None
) -> Segment:
    """Save the changes. `expected_version` is the version that the author saw; a newer version is not overwritten."""
    parsed = rule_read(rule)
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    if segment.version != expected_version:
        raise EditConflict(
            f"The rule is at version {segment.version} now, but you changed version {expected_version}. "
            "Reload it and edit it again."
        )
    document = encode(parsed)
    is_new_rule = document != segment.rule
    segment.name, segment.description = name.strip(), description.strip()
    if is_new_rule:
        segment.rule, segment.rule_hash, segment.version = document, hash_rule(parsed), segment.version + 1
    segment.full_clean()
    segment.save()
    if is_new_rule:
        _version_add(segment, author=author)
        _run_if_published(segment, requested_by=author)
    return segment


def segment_archive(*, segment: Segment) -> None:
    """Take the segment out of the list and the nightly refresh; nothing is deleted."""
    Segment.objects.filter(pk=segment.pk, archived_at=None).update(archived_at=timezone.now())


def segment_restore(*, segment: Segment) -> None:
    _refuse_too_many()
    if Segment.objects.filter(pk=segment.pk, archived_at__isnull=False).update(archived_at=None):
        _run_if_published(segment, requested_by=None)


def _refuse_too_many() -> None:
    if Segment.objects.filter(archived_at=None).count() >= MAX_SEGMENTS:
        raise ValidationError({NON_FIELD_ERRORS: f"There are {MAX_SEGMENTS} segments already; archive one that you do not need."})


def _version_add(segment: Segment, author: Any) -> None:
    SegmentVersion.objects.create(segment=segment, number=segment.version, rule=segment.rule, author=author)


def _run_if_published(segment: Segment, requested_by: Any) -> None:
    try:
        segment_run_request(segment=segment, requested_by=requested_by)
    except NothingPublished:
        return  # the refresh after the first night computes it

"""Creates and changes segments. A changed rule becomes a new version, and every version is computed at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cdp.rules import encode, hash_rule
from cdp_web.segments.history import sizes_request
from cdp_web.segments.models import MAX_SEGMENTS, Segment, SegmentVersion
from cdp_web.segments.rules import references_read, rule_read
from cdp_web.segments.runs import segment_run_request
from cdp_web.segments.selectors import segments_get_users
from cdp_web.serving.errors import NothingPublished

#: Days within which a deleted segment can be restored.
RESTORE_DAYS = 30
MAX_TAGS = 10
MAX_TAG = 30


class EditConflict(ValueError):
    """Somebody else has saved the segment in the meantime. `segment` is as it is now."""

    def __init__(self, says: str, segment: Segment) -> None:
        super().__init__(says)
        self.segment = segment


class SegmentInUse(ValueError):
    """Other segments refer to the segment, so it can't be deleted."""

    def __init__(self, segment: Segment, users: list[Segment]) -> None:
        names = ", ".join(each.name for each in users)
        super().__init__(
            _("%(name)s is used by %(names)s. Take it out of their rules first.") % {"name": segment.name, "names": names}
        )
        self.users = users


@transaction.atomic
def segment_create(*, name: str, rule: object, description: str = "", tags: Sequence[str] = (), owner: Any = None) -> Segment:
    segment = segment_add(name=name, rule=rule, description=description, tags=tags, owner=owner)
    _run_if_published(segment, requested_by=owner)
    return segment


@transaction.atomic
def segment_add(*, name: str, rule: object, description: str = "", tags: Sequence[str] = (), owner: Any = None) -> Segment:
    """Create a segment that a refresh will compute."""
    _refuse_too_many()
    parsed = rule_read(rule)
    references_read(parsed)
    segment = Segment(
        name=name.strip(), description=description.strip(), tags=clean_tags(tags), rule=encode(parsed),
        rule_hash=hash_rule(parsed), owner=owner, changed_by=owner,
    )  # fmt: skip
    segment.full_clean()
    segment.save()
    _version_add(segment, author=owner)
    return segment


@transaction.atomic
def segment_update(
    *,
    segment_id: int,
    name: str,
    rule: object,
    expected_version: int | None = None,
    expected_revision: int | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    author: Any = None,
) -> Segment:
    """Save the changes. `expected_version` and `expected_revision` are what the author saw; something newer is not overwritten.
    Without a description or tags, those of the segment stay."""
    parsed = rule_read(rule)
    references_read(parsed, of_segment=segment_id)
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    _refuse_conflict(segment, expected_version, expected_revision)
    document = encode(parsed)
    is_new_rule = document != segment.rule
    segment.name = name.strip()
    segment.description = segment.description if description is None else description.strip()
    segment.tags = segment.tags if tags is None else clean_tags(tags)
    segment.revision, segment.changed_by = segment.revision + 1, author
    if is_new_rule:
        segment.rule, segment.rule_hash, segment.version = document, hash_rule(parsed), segment.version + 1
    segment.full_clean()
    segment.save()
    if is_new_rule:
        _version_add(segment, author=author)
        _run_if_published(segment, requested_by=author)
    return segment


@transaction.atomic
def segment_archive(*, segment: Segment) -> None:
    """Delete the segment for everyone; for some days it can be restored with its whole history."""
    users = segments_get_users(segment)
    if users:
        raise SegmentInUse(segment, users)
    _set_archived(segment, archived_at=timezone.now())


@transaction.atomic
def segment_restore(*, segment: Segment) -> None:
    _refuse_too_many()
    if _set_archived(segment, archived_at=None):
        _run_if_published(segment, requested_by=None, is_restore=True)


def segments_purge() -> int:
    """Remove segments that were deleted too long ago to be restored; returns how many rows went with them."""
    limit = timezone.now() - timedelta(days=RESTORE_DAYS)
    return Segment.objects.filter(archived_at__lt=limit).delete()[0]


def segment_revert(*, segment_id: int, number: int, expected_version: int, author: Any = None) -> Segment:
    """Save the rule of an earlier version as a new version."""
    segment = Segment.objects.get(pk=segment_id)
    version = SegmentVersion.objects.get(segment_id=segment_id, number=number)
    return segment_update(
        segment_id=segment_id,
        expected_version=expected_version,
        name=segment.name,
        rule=version.rule,
        author=author,
    )


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Without blanks and repetitions, in the order of their letters. Raises ValidationError for tags that are too long or too
    many."""
    words = {" ".join(tag.split()).lower() for tag in tags} - {""}
    if len(words) > MAX_TAGS:
        raise ValidationError({"tags": _("A segment has at most %(number)s tags.") % {"number": MAX_TAGS}})
    if any(len(word) > MAX_TAG for word in words):
        raise ValidationError({"tags": _("A tag has at most %(number)s characters.") % {"number": MAX_TAG}})
    return sorted(words)


def _refuse_conflict(segment: Segment, expected_version: int | None, expected_revision: int | None) -> None:
    if expected_version not in (None, segment.version):
        says = _("The rule is at version %(current)s now, but you changed version %(seen)s. Reload it and edit it again.")
        raise EditConflict(says % {"current": segment.version, "seen": expected_version}, segment)
    if expected_revision not in (None, segment.revision):
        raise EditConflict(_("Somebody else saved the segment while you changed it. Reload it and edit it again."), segment)


def _set_archived(segment: Segment, archived_at: datetime | None) -> bool:
    """False if the segment is in that state already. The audit log sees saved rows, not updates in bulk."""
    current = Segment.objects.select_for_update().get(pk=segment.pk)
    if (current.archived_at is None) == (archived_at is None):
        return False
    current.archived_at = archived_at
    current.save(update_fields=["archived_at"])
    return True


def _refuse_too_many() -> None:
    if Segment.objects.filter(archived_at=None).count() >= MAX_SEGMENTS:
        raise ValidationError(
            {
                NON_FIELD_ERRORS: _("There are %(count)s segments already; archive one that you do not need.")
                % {"count": MAX_SEGMENTS}
            }
        )


def _version_add(segment: Segment, author: Any) -> None:
    SegmentVersion.objects.create(segment=segment, number=segment.version, rule=segment.rule, author=author)
    sizes_request(segment)


def _run_if_published(segment: Segment, requested_by: Any, *, is_restore: bool = False) -> None:
    try:
        segment_run_request(segment=segment, requested_by=requested_by, is_restore=is_restore)
    except NothingPublished:
        return  # the refresh after the first night computes it

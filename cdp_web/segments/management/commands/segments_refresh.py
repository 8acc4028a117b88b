"""Recomputes all segments on the serving publication. Creates the starter segments first if there are no segments. The exit
status is not 0 if any segment failed."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from cdp.cli import parse_day
from cdp.programs import check_arguments_only
from cdp_web.layout import formats
from cdp_web.segments.models import SegmentRun
from cdp_web.segments.refresh import WrongDay, publication_get_for_day, segments_refresh, segments_refresh_request
from cdp_web.segments.starters import starters_ensure
from cdp_web.serving.errors import NotReady


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=parse_day, help="refuse unless this is the published day (YYYY-MM-DD)")
        parser.add_argument("--async", action="store_true", dest="by_workers", help="send the runs to the workers and exit")

    def handle(self, *args: Any, day: date | None, by_workers: bool, **options: Any) -> None:
        if check_arguments_only():
            return
        try:
            publication = publication_get_for_day(day)
            if count := starters_ensure():
                self.stdout.write(f"created {count} starter segments, because there were no segments")
            runs = list(segments_refresh_request() if by_workers else segments_refresh(publication))
        except (NotReady, WrongDay) as error:
            raise CommandError(str(error)) from error
        Console(file=self.stdout).print(_build_table(runs, f"Publication {publication.id}, {publication.day}"))
        if on_cluster := [run for run in runs if run.engine == SegmentRun.Engine.SPARK and run.is_active]:
            self.stdout.write(f"{len(on_cluster)} segments are computed on the cluster; the site shows their members as they end")
        failed = [run for run in runs if run.status == SegmentRun.Status.FAILED]
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(runs)} segments failed; the members of their last complete runs stay in use."
            )


def _build_table(runs: list[SegmentRun], title: str) -> Table:
    table = Table("segment", "status", title=title, title_justify="left")
    table.add_column("members", justify="right")
    table.add_column("share", justify="right")
    table.add_column("took", justify="right")
    table.add_column("error", overflow="fold")
    for run in runs:
        numbers = (formats.count(run.count), formats.percent(run.share), formats.duration(run.seconds))
        table.add_row(run.segment.name, str(run.status), *numbers, run.error)
    return table

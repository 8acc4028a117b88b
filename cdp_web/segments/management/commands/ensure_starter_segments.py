"""Makes the starter segments that are not there yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from cdp_web.segments.starters import STARTERS, starters_ensure


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        made = starters_ensure()
        for name in made:
            self.stdout.write(f"made: {name}")
        self.stdout.write(f"starter segments: {len(made)} made, {len(STARTERS) - len(made)} were there")

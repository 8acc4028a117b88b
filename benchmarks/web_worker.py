"""The Celery worker of the benchmark `web-tasks`, which reads publications from files instead of HDFS."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.segments_site import use_files
from benchmarks.web_site import FOLDER

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_web.settings")

from cdp_web.celery import app

__all__ = ["app"]

use_files(Path(os.environ[FOLDER]))

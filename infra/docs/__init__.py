"""The files that are written from the code, so they can't contradict it: python -m infra.docs writes them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.docker import compose
from infra.docs import metrics, settings, tables

PAGES: Mapping[Path, Callable[[], str]] = {
    settings.MARKDOWN_FILE: settings.settings_markdown,
    settings.EXAMPLE_FILE: settings.env_example,
    metrics.MARKDOWN_FILE: metrics.metrics_markdown,
    tables.MARKDOWN_FILE: tables.tables_markdown,
    compose.COMPOSE_FILE: compose.compose_yaml,
}

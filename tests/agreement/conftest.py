"""What the agreement tests share: the catalogue with the stand-in metrics, and one snapshot a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cdp import metrics
from tests.agreement.snapshot import Snapshot
from tests.agreement.strategies import EXTRA


@pytest.fixture(scope="module")
def wider_catalogue() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for metric in EXTRA:
            patch.setitem(metrics.BY_KEY, metric.key, metric)
        yield


@pytest.fixture(scope="module")
def snapshot(wider_catalogue: None) -> Iterator[Snapshot]:
    made = Snapshot()
    yield made
    made.close()

"""Fixtures of the agreement tests: one snapshot per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agreement.snapshot import CustomerTable


@pytest.fixture(scope="module")
def snapshot() -> Iterator[CustomerTable]:
    snapshot_table = CustomerTable()
    yield snapshot_table
    snapshot_table.close()

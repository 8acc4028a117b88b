"""The made-up shop, published."""

from __future__ import annotations

from typing import Any

import pytest

from cdp.mart.daily import KPI_DAY
from cdp_web.serving.publications import Publication
from tests.cdp_web.insights.world import AS_OF, World, insert, make_world


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()


@pytest.fixture
def publication(publish: Any, world: World) -> Publication:
    result: Publication = publish(world.customers, interactions=world.interactions, day=AS_OF)
    zeros = {column.name: 0 for column in KPI_DAY.columns}
    for name, rows in world.tables.items():
        insert(name, [zeros | row for row in rows] if name == "kpi_day" else rows)
    return result

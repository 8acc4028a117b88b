"""Opens a publication's customers: the Delta table on HDFS. Tests replace this function."""

from __future__ import annotations

import re
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from cdp.lake.paths import CUSTOMERS, table_url
from cdp.settings import current
from cdp_web.publications.errors import SnapshotUnavailable
from cdp_web.publications.selectors import Publication


def open_customers(publication: Publication) -> Any:
    """The customers of a publication as an Arrow data set, which DuckDB scans without loading it whole."""
    url = table_url(current(), CUSTOMERS)
    try:
        return DeltaTable(url, version=publication.customers_version).to_pyarrow_dataset()
    except (DeltaError, OSError) as error:
        raise SnapshotUnavailable(f"{url} at version {publication.customers_version}: {_find_cause(error)}") from error


def _find_cause(error: Exception) -> str:
    """The innermost reason. deltalake prints its chain of errors as a coloured tree with the cause last."""
    plain = re.sub(r"\x1b\[\d*m|↳", "", str(error)).strip()
    return plain.splitlines()[-1].strip() if plain else type(error).__name__

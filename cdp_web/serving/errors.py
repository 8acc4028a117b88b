"""Errors for data that is missing or not ready although the request is valid."""

from __future__ import annotations


class NotReady(Exception):
    """Data can't be read now. Pages and the API both show what is missing and what to do."""

    code = "not_ready"
    title = "The data is not ready"
    remedy = "Try again in a minute."
    status = 503

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "detail": self.says, "remedy": self.remedy}


class NothingPublished(NotReady):
    code = "nothing_published"
    title = "Nothing is published yet"
    remedy = "Load events and run a night: ./run night --day YYYY-MM-DD"
    status = 200  # a page like any other; the API answers 503

    def __init__(self) -> None:
        super().__init__("Customers, numbers and segments appear here after the first night has run.")


class SnapshotUnavailable(NotReady):
    code = "snapshot_unavailable"
    title = "The customers can't be read"
    remedy = "Check whether HDFS is healthy: ./run status"


class ProfilesUnavailable(NotReady):
    code = "profiles_unavailable"
    title = "The profiles can't be read"
    remedy = "Check whether MongoDB is healthy: ./run status"


class DatabaseUnavailable(NotReady):
    code = "database_unavailable"
    title = "The site's database can't be reached"
    remedy = "Check whether Postgres is healthy: ./run status"

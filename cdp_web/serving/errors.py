"""Errors for data that is missing or not ready although the request is valid."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class NotReady(Exception):
    """Data can't be read now. Pages and the API both show what is missing and what to do."""

    code = "not_ready"
    title: str | Promise = gettext_lazy("The data is not ready")
    remedy: str | Promise = gettext_lazy("Try again in a minute.")
    status = 503

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "detail": self.says, "remedy": str(self.remedy)}


class NothingPublished(NotReady):
    code = "nothing_published"
    title = gettext_lazy("Nothing is published yet")
    remedy = gettext_lazy("Load events and run a night: ./run night --day YYYY-MM-DD")
    status = 200  # a page like any other; the API answers 503

    def __init__(self) -> None:
        super().__init__(_("Customers, numbers and segments appear here after the first night has run."))


class NoRecommendations(NotReady):
    code = "no_recommendations"
    title = gettext_lazy("There are no recommendations yet")
    remedy = gettext_lazy("Make them: ./run recommend publish --day YYYY-MM-DD")

    def __init__(self) -> None:
        super().__init__(_("What customers get recommended appears here after the first publication of recommendations."))


class SnapshotUnavailable(NotReady):
    code = "snapshot_unavailable"
    title = gettext_lazy("The customers can't be read")
    remedy = gettext_lazy("Check whether HDFS is healthy: ./run status")


class ProfilesUnavailable(NotReady):
    code = "profiles_unavailable"
    title = gettext_lazy("The profiles can't be read")
    remedy = gettext_lazy("Check whether MongoDB is healthy: ./run status")


class InterestsUnavailable(NotReady):
    code = "interests_unavailable"
    title = gettext_lazy("The interests of the last minutes can't be read")
    remedy = gettext_lazy("Check whether Redis is healthy: ./run status")


class DatabaseUnavailable(NotReady):
    code = "database_unavailable"
    title = gettext_lazy("The site's database can't be reached")
    remedy = gettext_lazy("Check whether Postgres is healthy: ./run status")

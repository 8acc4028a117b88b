"""How large an experiment must be, by what earlier experiments have measured."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cdp.kinds import KINDS
from cdp.mart.recommend import RESULT_ARM
from cdp.recommend.statistics import ArmSums, count_needed
from cdp_web.layout import formats
from cdp_web.recommend.models import Experiment
from cdp_web.serving.tables import read_rows

_SUMS = [column for column in RESULT_ARM.columns if column.name in ArmSums.__slots__ and column.name != "arm"]
#: The newest sums of each arm that ever was, together.
_READ = f"""
    SELECT {", ".join(f"coalesce(sum({each.name}), 0)::{KINDS[each.kind].postgres}" for each in _SUMS)}
    FROM (SELECT DISTINCT ON (experiment, arm) * FROM {RESULT_ARM.full_name} ORDER BY experiment, arm, day DESC) newest"""


def describe_needed(experiment: Experiment) -> str:
    sums = _read_sums()
    needed = count_needed(sums, experiment.metric, experiment.planned_effect / 100) if sums else None
    if needed is None:
        return _("Unknown until an experiment has results.")
    return _("About %(count)s in each arm, by the results of all experiments so far.") % {"count": formats.count(needed)}


def _read_sums() -> ArmSums | None:
    return next((ArmSums("", *row) for row in read_rows(RESULT_ARM, _READ)), None)

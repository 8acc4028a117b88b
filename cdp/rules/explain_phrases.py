"""What a language needs to say why a customer matches a condition or not, and what would have to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdp.rules.behaviours import MEASURES
from cdp.rules.phrases import Language

#: For a condition that must become true, and for one that must become false.
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ExplainPhrases:
    group_mark: str  # within numbers of more than three digits
    place: str  # {}: the place, and of how many
    no_value: str
    steps: str  # {}: the days of the first and of the second step
    never: str
    days: str  # {}: the first and the last day
    follows: Pair  # {}: within how many days
    in_segment: Pair
    in_list: Pair
    recommended_place: str
    not_recommended: str
    matches: Pair  # {}: the sentence
    #: {}: the subject, then the comparison or the two values, then the value now.
    no_longer: str
    rise: str
    fall: str
    must: str
    is_now: str
    is_missing: str
    rank_missing: str
    rank_top: str  # {}: the subject, the place now, the last place that matches, and of how many
    rank_bottom: str
    #: Beginnings of comparisons, and what they are after "must".
    infinitives: tuple[tuple[str, str], ...]
    measures: Mapping[str, str]


_ENGLISH = ExplainPhrases(
    group_mark=",",
    place="place {} of {}",
    no_value="no value",
    steps="first step: {}; second step: {}",
    never="never",
    days="{} to {}",
    follows=("the second step follows {}", "the second step does not follow {}"),
    in_segment=("must be in the segment {}", "must not be in the segment {}"),
    in_list=("must be in the list {}", "must not be in the list {}"),
    recommended_place="place {}",
    not_recommended="not recommended",
    matches=("must match: {}", "must no longer match: {}"),
    no_longer="{} must no longer match “{}”; it is {}",
    rise="{} must rise from {} to {}",
    fall="{} must fall from {} to {}",
    must="{} must {}; {}",
    is_now="it is {}",
    is_missing="it has no value",
    rank_missing="{} must have a value, and a place where it {}",
    rank_top="{} must move from place {} to place {} of {}, counted from the highest",
    rank_bottom="{} must move from place {} to place {} of {}, counted from the lowest",
    infinitives=(
        ("is ", "be "), ("has ", "have "), ("contains ", "contain "), ("does not contain ", "not contain "),
        ("starts with ", "start with "), ("ends with ", "end with "),
    ),
    measures={measure.key: measure.title for measure in MEASURES},
)  # fmt: skip

_VIETNAMESE = ExplainPhrases(
    group_mark=".",
    place="hạng {} trên {}",
    no_value="không có giá trị",
    steps="bước đầu tiên: {}; bước thứ hai: {}",
    never="chưa lần nào",
    days="{} đến {}",
    follows=("bước thứ hai diễn ra {}", "bước thứ hai không diễn ra {}"),
    in_segment=("phải thuộc phân khúc {}", "không được thuộc phân khúc {}"),
    in_list=("phải có trong danh sách {}", "không được có trong danh sách {}"),
    recommended_place="vị trí {}",
    not_recommended="không được gợi ý",
    matches=("phải khớp: {}", "không được khớp nữa: {}"),
    no_longer="{} không được khớp với “{}” nữa; hiện là {}",
    rise="{} phải tăng từ {} lên {}",
    fall="{} phải giảm từ {} xuống {}",
    must="{} phải {}; {}",
    is_now="hiện là {}",
    is_missing="hiện không có giá trị",
    rank_missing="{} phải có giá trị, và một thứ hạng {}",
    rank_top="{} phải chuyển từ hạng {} đến hạng {} trên {}, tính từ cao nhất",
    rank_bottom="{} phải chuyển từ hạng {} đến hạng {} trên {}, tính từ thấp nhất",
    infinitives=(),
    measures={
        "events": "số lần",
        "quantity": "số lượng",
        "money": "số tiền",
        "products": "số sản phẩm khác nhau",
        "categories": "số danh mục khác nhau",
        "brands": "số thương hiệu khác nhau",
        "days": "số ngày khác nhau",
        "share_of_events": "tỷ lệ số sự kiện",
        "share_of_money": "tỷ lệ số tiền",
        "first_day": "ngày đầu tiên",
        "last_day": "ngày gần nhất",
    },
)

EXPLAIN_PHRASES: Mapping[Language, ExplainPhrases] = {"en": _ENGLISH, "vi": _VIETNAMESE}

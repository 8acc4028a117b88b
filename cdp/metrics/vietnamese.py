"""The titles of the metrics, and the words that are their values, in Vietnamese."""

from __future__ import annotations

from cdp.metrics import METRICS, Metric

_TITLES = {
    "lifecycle": "Giai đoạn khách hàng",
    "rfm_group": "Nhóm RFM",
    "rfm_group_1d_ago": "Nhóm RFM 1 ngày trước",
    "rfm_group_30d_ago": "Nhóm RFM 30 ngày trước",
    "recency_score": "Điểm mua gần đây (R)",
    "frequency_score": "Điểm tần suất mua (F)",
    "monetary_score": "Điểm chi tiêu (M)",
    "first_seen": "Ngày ghé thăm đầu tiên",
    "last_seen": "Ngày ghé thăm gần nhất",
    "first_order": "Ngày đặt hàng đầu tiên",
    "last_order": "Ngày đặt hàng gần nhất",
    "days_since_first_seen": "Số ngày từ lần ghé thăm đầu tiên",
    "days_since_seen": "Số ngày từ lần ghé thăm gần nhất",
    "days_since_order": "Số ngày từ đơn hàng gần nhất",
    "days_to_first_order": "Số ngày đến đơn hàng đầu tiên",
    "mean_days_between_orders": "Số ngày trung bình giữa các đơn hàng",
    "total_purchase": "Số đơn hàng",
    "total_purchase_value": "Doanh thu thuần",
    "gross_purchase_value": "Doanh thu gộp",
    "refunds": "Số lần hoàn tiền",
    "refund_value": "Số tiền hoàn lại",
    "avg_purchase_value": "Giá trị đơn hàng trung bình",
    "min_purchase_value": "Giá trị đơn hàng nhỏ nhất",
    "max_purchase_value": "Giá trị đơn hàng lớn nhất",
    "items": "Số sản phẩm đã mua",
    "order_days": "Số ngày có đặt hàng",
    "active_days": "Số ngày hoạt động",
    "sessions": "Số phiên truy cập",
    "views": "Số lượt xem sản phẩm",
    "carts": "Số lần thêm vào giỏ hàng",
    "removals": "Số lần xóa khỏi giỏ hàng",
    "cart_days": "Số ngày có thêm vào giỏ hàng",
    "abandoned_cart_days": "Số ngày bỏ quên giỏ hàng",
    "products_viewed": "Số sản phẩm khác nhau đã xem",
    "products_carted": "Số sản phẩm khác nhau đã thêm vào giỏ hàng",
    "products_bought": "Số sản phẩm khác nhau đã mua",
    "categories_viewed": "Số danh mục đã xem",
    "categories_bought": "Số danh mục đã mua",
    "brands_viewed": "Số thương hiệu đã xem",
    "brands_bought": "Số thương hiệu đã mua",
    "favourite_category_by_views": "Danh mục yêu thích theo lượt xem",
    "favourite_category_by_money": "Danh mục yêu thích theo chi tiêu",
    "favourite_brand_by_views": "Thương hiệu yêu thích theo lượt xem",
    "favourite_brand_by_money": "Thương hiệu yêu thích theo chi tiêu",
    "view_to_cart_rate": "Tỷ lệ từ xem đến thêm vào giỏ hàng",
    "cart_to_order_rate": "Tỷ lệ từ giỏ hàng đến mua",
    "abandonment_rate": "Tỷ lệ bỏ quên giỏ hàng",
    "order_session_rate": "Số đơn hàng trên mỗi phiên",
    "views_per_session": "Số lượt xem trên mỗi phiên",
    "items_per_order": "Số sản phẩm trên mỗi đơn hàng",
    "signed_up": "Ngày đăng ký",
    "days_since_sign_up": "Số ngày từ khi đăng ký",
    "city": "Thành phố",
    "marketing_consent": "Đồng ý nhận tiếp thị",
    "open_cart_value": "Giá trị giỏ hàng đang mở",
    "open_cart_items": "Số sản phẩm trong giỏ hàng đang mở",
    "open_cart_changed": "Ngày giỏ hàng đang mở thay đổi gần nhất",
    "days_since_cart_change": "Số ngày từ lần thay đổi gần nhất của giỏ hàng đang mở",
    "wishlist_products": "Số sản phẩm trong danh sách yêu thích",
}
#: A metric of the last days has the title of the metric of the whole history that has its title in English.
_BY_ENGLISH = {metric.title: _TITLES[metric.key] for metric in METRICS if metric.key in _TITLES}


def _build_title(metric: Metric) -> str:
    if metric.window is None:
        return _TITLES[metric.key]
    return f"{_BY_ENGLISH[metric.title_in_group]}, {metric.window} ngày qua"


#: Key of the metric -> title.
VIETNAMESE_TITLES = {metric.key: _build_title(metric) for metric in METRICS}

#: Lifecycle, RFM group or consent -> what people read.
VIETNAMESE_CHOICES = {
    "new": "mới",
    "active": "đang hoạt động",
    "at risk": "có nguy cơ rời bỏ",
    "lapsed": "đã rời bỏ",
    "returned": "đã quay lại",
    "Champions": "Hàng đầu",
    "Loyal": "Trung thành",
    "Potential loyalists": "Trung thành tiềm năng",
    "New customers": "Khách hàng mới",
    "Promising": "Có triển vọng",
    "Need attention": "Cần chú ý",
    "About to sleep": "Sắp ngủ quên",
    "At risk": "Có nguy cơ rời bỏ",
    "Cannot lose them": "Không thể để mất",
    "Hibernating": "Ngủ đông",
    "Lost": "Đã mất",
    "yes": "có",
    "no": "không",
}

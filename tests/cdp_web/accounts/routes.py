"""Every address of the site and the API, and the least role that may use it, by method.

A new address needs a row here; test_routes.py names the addresses without one. OPEN needs no login. Methods that a row does not
name must be answered with 405. The pages of the admin need no rows: all of them are for admins.
"""

from __future__ import annotations

from cdp_web.accounts.roles import Role

OPEN = None
VIEWER, ANALYST, ADMIN = Role.VIEWER, Role.ANALYST, Role.ADMIN

Access = dict[str, Role | None]

READ: Access = {"GET": VIEWER}
ACT: Access = {"POST": ANALYST}

SITE: dict[str, Access] = {
    "health": {"GET": OPEN},
    "texts": {"GET": OPEN},
    "set-language": {"POST": OPEN},
    "accounts:login": {"GET": OPEN, "POST": OPEN},
    "accounts:logout": {"POST": VIEWER},
    "accounts:logout-everywhere": {"POST": VIEWER},
    "accounts:account": READ,
    "accounts:password": {"GET": VIEWER, "POST": VIEWER},
    "accounts:profile": {"POST": VIEWER},
    "accounts:token-new": {"POST": VIEWER},
    "accounts:token-revoke": {"POST": VIEWER},
    "overview:index": READ,
    "live:index": READ,
    "live:content": READ,
    "insights:products": READ,
    "insights:audience": READ,
    "insights:retention": READ,
    "products:detail": READ,
    "recommend:index": READ,
    "recommend:experiment": READ,
    "pipeline:index": READ,
    "pipeline:live": READ,
    "pipeline:quarantine": READ,
    "pipeline:replays": {"GET": ADMIN},
    "pipeline:replay-new": {"GET": ADMIN, "POST": ADMIN},
    "pipeline:replay": {"GET": ADMIN},
    "pipeline:replay-result": {"GET": ADMIN},
    "pipeline:replay-start": {"POST": ADMIN},
    "nights:list": READ,
    "nights:detail": READ,
    "nights:again": {"POST": ADMIN},
    "customers:list": READ,
    "customers:detail": READ,
    "customers:find": ACT,
    "customers:export": {"GET": ANALYST},
    "customers:views": READ,
    "customers:view-create": ACT,
    "customers:view-change": ACT,
    "customers:view-delete": ACT,
    "fraud:alerts": READ,
    "fraud:alert": READ,
    "fraud:decide": ACT,
    "fraud:decide-many": ACT,
    "fraud:export": {"GET": ANALYST},
    "segments:list": READ,
    "segments:new": {"GET": ANALYST, "POST": ANALYST},
    "segments:detail": READ,
    "segments:members": READ,
    "segments:movement": READ,
    "segments:rule": READ,
    "segments:overlaps": READ,
    "segments:uses": READ,
    "segments:runs": READ,
    "segments:status": READ,
    "segments:edit": {"GET": ANALYST, "POST": ANALYST},
    "segments:run": ACT,
    "segments:run-cancel": ACT,
    "segments:archive": ACT,
    "segments:restore": ACT,
    "segments:export": {"GET": ANALYST},
    "segments:export-file": {"GET": ANALYST},
    "segments:export-manifest": {"GET": ANALYST},
    "segments:export-recommendations": {"GET": ANALYST},
    "segments:explain": READ,
    "segments:overlap": READ,
    "segments:revert": ACT,
    "segments:lists": READ,
    "segments:list-new": {"GET": VIEWER, "POST": ANALYST},
    "segments:list-detail": READ,
    "segments:list-change": ACT,
    "segments:list-delete": ACT,
    "segments:list-download": READ,
    "segments:webhooks": {"GET": ADMIN, "POST": ADMIN},
    "segments:webhook": {"GET": ADMIN},
    "segments:webhook-switch": {"POST": ADMIN},
    "segments:webhook-delete": {"POST": ADMIN},
    "segments:delivery-resend": {"POST": ADMIN},
}

API: dict[str, Access] = {
    "api:docs": READ,
    "api:schema": READ,
    "api:overview": READ,
    "api:catalogue": READ,
    "api:catalogue-behaviours": READ,
    "api:catalogue-recommended": READ,
    "api:catalogue-values": READ,
    "api:catalogue-categories": READ,
    "api:catalogue-distribution": READ,
    "api:insights-products": READ,
    "api:insights-audience": READ,
    "api:insights-retention": READ,
    "api:customer-list": READ,
    "api:customer-detail": READ,
    "api:customer-segments": READ,
    "api:customer-interests": READ,
    "api:night-list": READ,
    "api:night-detail": READ,
    "api:list-list": {"GET": VIEWER, "POST": ANALYST},
    "api:list-detail": {"GET": VIEWER, "PUT": ANALYST, "PATCH": ANALYST, "DELETE": ANALYST},
    "api:list-members": {"GET": VIEWER, "DELETE": ANALYST},
    "api:segment-list": {"GET": VIEWER, "POST": ANALYST},
    "api:segment-preview": {"POST": VIEWER},
    "api:segment-detail": {"GET": VIEWER, "PUT": ANALYST, "DELETE": ANALYST},
    "api:segment-restore": ACT,
    "api:segment-run": ACT,
    "api:segment-runs": READ,
    "api:segment-run-detail": READ,
    "api:segment-run-cancel": ACT,
    "api:segment-members": READ,
    "api:segment-export": {"GET": ANALYST},
    "api:segment-export-manifest": {"GET": ANALYST},
    "api:segment-export-recommendations": {"GET": ANALYST},
    "api:segment-recommendations": {"GET": ANALYST},
    "api:recommendations": {"GET": ANALYST},
    "api:segment-overlap": READ,
    "api:segment-history": READ,
    "api:segment-impact": ACT,
    "api:segment-versions": READ,
    "api:segment-difference": READ,
    "api:segment-revert": ACT,
    "api:segment-explain": READ,
    "api:webhook-list": {"GET": ADMIN, "POST": ADMIN},
    "api:webhook-detail": {"GET": ADMIN, "PUT": ADMIN, "DELETE": ADMIN},
    "api:webhook-deliveries": {"GET": ADMIN},
    "api:webhook-resend": {"POST": ADMIN},
}

ROUTES = SITE | API
#: Answers 404 to everyone.
NOWHERE = {"api:unknown"}
ADMIN_PREFIX = "admin:"
#: Pages of the admin for visitors without a login, and one that only says where to go next.
ADMIN_OPEN = {"admin:login", "admin:logout", "admin:"}

"""Django's settings, all derived from the table in cdp/settings.py. Secure by default; nothing here reads the environment."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.settings import current
from cdp_web.outgoing.mail import parse_mail_url

cdp = current()
BASE_DIR = Path(__file__).resolve().parent
STATE_DIR = cdp.state_dir / "web"
#: The script that draws the charts comes with the Python package that builds them.
PLOTLY_FOLDER = Path(str(find_spec("plotly").origin)).parent / "package_data"  # type: ignore[union-attr]

SECRET_KEY = cdp.django_secret_key
DEBUG = cdp.web_debug
ALLOWED_HOSTS = [host.strip() for host in cdp.web_hosts.split(",")]
ROOT_URLCONF = "cdp_web.urls"
WSGI_APPLICATION = "cdp_web.wsgi.application"

INSTALLED_APPS = [
    "cdp_web.accounts.admin_config.RoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "cdp_web.layout.staticfiles.SiteStaticFiles",
    "django.contrib.humanize",
    "django_htmx",
    "auditlog",
    "axes",
    "knox",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cdp_web.layout",
    "cdp_web.charts",
    "cdp_web.accounts",
    "cdp_web.serving",
    "cdp_web.names",
    "cdp_web.overview",
    "cdp_web.insights",
    "cdp_web.live",
    "cdp_web.pipeline",
    "cdp_web.customers",
    "cdp_web.segments",
    "cdp_web.fraud",
    "cdp_web.recommend",
    "cdp_web.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "cdp_web.layout.pages.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "cdp_web.api.language.use_english_for_programs",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "cdp_web.accounts.sessions.ExtendSessionMiddleware",
    "cdp_web.accounts.audit.AuditMiddleware",
    "cdp_web.accounts.roles.RoleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cdp_web.serving.faults.NotReadyMiddleware",
    "axes.middleware.AxesMiddleware",  # replaces the answer to a locked login
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.i18n",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cdp_web.accounts.roles.add_role",
                "cdp_web.serving.publications.add_publication",
                "cdp_web.serving.nights.add_stopped_night",
                "cdp_web.pipeline.report.add_data_state",
                "cdp_web.live.state.add_live_state",
                "cdp_web.fraud.alerts.add_open_alerts",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": cdp.postgres_database,
        "USER": cdp.postgres_user,
        "PASSWORD": cdp.postgres_password,
        "HOST": cdp.postgres_host,
        "PORT": str(cdp.postgres_port),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # If the database's machine vanishes, connections fail within seconds, even in the middle of a statement.
        "OPTIONS": {
            "application_name": "cdp_web",
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # The content of reports, up to about 300 KB each.
    "reports": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "reports",
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
    # The rates of the API must hold for all workers together, so their state is in Redis. A request waits only a moment for it.
    "throttle": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": cdp.redis_url,
        "KEY_PREFIX": "throttle",
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3, "retry": Retry(NoBackoff(), 0)},
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("vi", "Tiếng Việt")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = f"cdp_{cdp.stack}_language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["cdp_web.layout.date_formats"]

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", PLOTLY_FOLDER)]
STORAGES = {"staticfiles": {"BACKEND": "cdp_web.layout.staticfiles.StaticFilesStorage"}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # refuses a locked login before its password is checked
    "django.contrib.auth.backends.ModelBackend",
    "cdp_web.accounts.admin_site.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Wrong passwords: five for a user from one address lock that pair. All workers count together, in the database.
WEB_PROXIES = cdp.web_proxies
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "cdp_web.accounts.addresses.get_client_address"
AXES_LOCKOUT_CALLABLE = "cdp_web.accounts.lockout.answer_locked"
AXES_DISABLE_ACCESS_LOG = True  # the audit log has the logins
AXES_ENABLE_ADMIN = False  # accounts/admin.py shows the locks

# The audit log: models whose changes it records, with the fields that are shown.
AUDITLOG_CID_HEADER = None
AUDITLOG_USE_FK_STRING_REPRESENTATION = True
AUDITLOG_INCLUDE_TRACKING_MODELS = (
    {
        "model": "auth.User",
        "include_fields": ["username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser", "password"],
        "mask_fields": ["password"],
        "mask_callable": "cdp_web.accounts.audit.hide",
        "m2m_fields": ["user_permissions"],
    },
    {"model": "auth.Group", "include_fields": ["name"], "m2m_fields": ["permissions"]},
    {"model": "accounts.ApiToken", "include_fields": ["name", "user", "expiry"]},
    {"model": "segments.Segment", "include_fields": ["name", "description", "tags", "rule", "owner", "archived_at"]},
    {"model": "segments.CustomerList", "include_fields": ["name", "version", "count", "owner"]},
    {"model": "customers.SavedView", "include_fields": ["name", "parameters", "is_shared", "owner"]},
    {"model": "segments.Webhook", "include_fields": ["name", "url", "segment", "is_active", "disabled_reason"]},
    {"model": "fraud.FraudRule", "include_fields": ["name", "kind", "parameters", "is_active"]},
    {
        "model": "recommend.Experiment",
        "include_fields": ["key", "name", "place", "starts_at", "ends_at", "is_active", "metric", "planned_effect"],
    },
    {"model": "recommend.Arm", "include_fields": ["experiment", "name", "serves", "share"]},
    {"model": "fraud.AlertState", "include_fields": ["status", "note"]},
    {  # The address of a Slack or Discord channel lets anyone write there, so the log does not show it.
        "model": "fraud.Channel",
        "include_fields": ["name", "kind", "url", "recipients", "rule", "is_active", "disabled_reason"],
        "mask_fields": ["url"],
        "mask_callable": "cdp_web.accounts.audit.hide",
    },
)

# Cookies and headers: strict, and marked secure if the site uses https.
HTTPS = cdp.web_url.startswith("https://")
CSRF_TRUSTED_ORIGINS = [cdp.web_url] if HTTPS else []
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = f"cdp_{cdp.stack}_session"  # cookies ignore ports: two stacks on one machine must not share them
CSRF_COOKIE_NAME = f"cdp_{cdp.stack}_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # after the last use; accounts/sessions.py extends it
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None  # a proxy ends TLS
SECURE_REDIRECT_EXEMPT = ["^health$"]
# HSTS for subdomains and for browsers' lists concerns other hosts of the domain, so the site does not decide it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first class answers requests without credentials: 401 and "Token".
        "cdp_web.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cdp_web.api.permissions.RolePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["cdp_web.api.throttling.UserThrottle", "cdp_web.api.throttling.BurstThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cdp_web.api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "cdp_web.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "cdp_web.api.exceptions.answer_error",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"
REST_KNOX = {"TOKEN_PREFIX": "cdp_", "TOKEN_TTL": timedelta(days=90)}
MIGRATION_MODULES = {"knox": None}  # its own table of tokens is replaced by ours
#: Requests of one user; cdp_web/api/throttling.py names the scopes.
API_RATES = {"user": cdp.api_rate, "burst": cdp.api_burst_rate, "preview": cdp.api_preview_rate}
SPECTACULAR_SETTINGS = {
    "TITLE": "Customer data platform",
    "DESCRIPTION": "Customers, segments and daily numbers of the shop. Every answer names the publication that it was read from.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# E-mail. Without a server nothing is sent; the channels of alerts then say so.
mail_server = parse_mail_url(cdp.mail_url)
EMAIL_HOST, EMAIL_PORT = mail_server.host, mail_server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail_server.user, mail_server.password
EMAIL_USE_TLS, EMAIL_USE_SSL = mail_server.security == "starttls", mail_server.security == "tls"
DEFAULT_FROM_EMAIL = cdp.mail_from
EMAIL_TIMEOUT = 10

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "httpx": {"level": "WARNING"},  # it logs every request, and the poll of the cluster makes many
        "axes": {"level": "WARNING"},  # it logs every login and every start of the program
    },
}

"""Django's settings, all derived from the table in cdp/settings.py. Secure by default; nothing here reads the environment."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.settings import current

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
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cdp_web.layout",
    "cdp_web.charts",
    "cdp_web.accounts",
    "cdp_web.serving",
    "cdp_web.overview",
    "cdp_web.insights",
    "cdp_web.pipeline",
    "cdp_web.customers",
    "cdp_web.segments",
    "cdp_web.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "cdp_web.layout.pages.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "cdp_web.accounts.roles.RoleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cdp_web.serving.faults.NotReadyMiddleware",
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

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", PLOTLY_FOLDER)]
STORAGES = {"staticfiles": {"BACKEND": "cdp_web.layout.staticfiles.StaticFilesStorage"}}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
# The first is Django's own, so logins from before the roles stay valid.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "cdp_web.accounts.admin_site.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Cookies and headers: strict, and marked secure if the site uses https.
HTTPS = cdp.web_url.startswith("https://")
CSRF_TRUSTED_ORIGINS = [cdp.web_url] if HTTPS else []
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = f"cdp_{cdp.stack}_session"  # cookies ignore ports: two stacks on one machine must not share them
CSRF_COOKIE_NAME = f"cdp_{cdp.stack}_csrf"
SESSION_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first class answers requests without credentials: 401 and "Token".
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cdp_web.api.permissions.RolePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["cdp_web.api.throttling.UserThrottle", "cdp_web.api.throttling.BurstThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cdp_web.api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "cdp_web.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "cdp_web.api.exceptions.answer_error",
}
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

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}},  # it logs every request, and the poll of the cluster makes many
}

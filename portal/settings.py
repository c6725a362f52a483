"""Django settings, computed from the operator's few variables (see README, "Configuration").

Operators set environment variables only; nothing below is theirs to edit.
"""

from pathlib import Path

from portal import csp
from portal.databases import database_from_url
from portal.env import env_int, env_listen, env_networks, env_path, env_str, private_file, private_folder
from portal.observability import logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- what the operator sets -----------------------------------------------------------------------------------------
LISTEN = env_listen("PORTOLAN_LISTEN", "127.0.0.1:8080")
DATA_DIR = private_folder(env_path("PORTOLAN_DATA_DIR", BASE_DIR / "var"))
TLS_CERT = env_str("PORTOLAN_TLS_CERT")
TLS_KEY = env_str("PORTOLAN_TLS_KEY")
_host = f"[{LISTEN[0]}]" if ":" in LISTEN[0] else LISTEN[0]
EXTERNAL_URL = env_str("PORTOLAN_EXTERNAL_URL", f"{'https' if TLS_CERT else 'http'}://{_host}:{LISTEN[1]}").rstrip("/")
REDIS_URL = env_str("PORTOLAN_REDIS_URL")
STORAGE_URL = env_str("PORTOLAN_STORAGE_URL", f"file://{DATA_DIR}/store")
SPOOL_DIR = DATA_DIR / "spool"
SECRET_KEY = env_str("PORTOLAN_SECRET_KEY") or private_file(DATA_DIR / "secret_key")
TRUSTED_PROXIES = env_networks("PORTOLAN_TRUSTED_PROXIES")
TOKEN_ALGORITHM = env_str("PORTOLAN_TOKEN_ALGORITHM", "ES256")
WORKERS = env_int("PORTOLAN_WORKERS", 0)  # 0: one per core
LOG_FORMAT = env_str("PORTOLAN_LOG_FORMAT")  # json or plain; empty: plain on a terminal, else json
ACCESS_LOG = env_str("PORTOLAN_ACCESS_LOG", "most")
METRICS_NETWORKS = env_networks("PORTOLAN_METRICS", "127.0.0.0/8, ::1")
RATE_LIMIT = env_int("PORTOLAN_RATE_LIMIT", 200)  # Requests a second of one caller; 0: no limit
DRAIN_SECONDS = env_int("PORTOLAN_DRAIN_SECONDS", 0)
DATABASES = {"default": database_from_url(env_str("PORTOLAN_DATABASE_URL", f"sqlite:///{DATA_DIR}/portolan.sqlite3"))}

# --- Django ---------------------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = ["*"]  # The registry answers under any name; links are built from EXTERNAL_URL, never from Host.
INSTALLED_APPS = [
    "audit",
    "jobs",
    "registry",
    "replication",
    "portal.configuration",
    "portal.accounts",
    "portal.projects",
    "portal.access",
    "portal.labels",
    "portal.auditing",
    "portal.quotas",
    "portal.allowlists",
    "portal.immutability",
    "portal.webhooks",
    "portal.retention",
    "portal.api",
    "portal",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "portal.observability.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.api.wire.conditional.ConditionalMiddleware",
    "portal.access.sessions.Sessions",
    "django.middleware.common.CommonMiddleware",
    "portal.access.csrf.ForgeryMiddleware",
    "portal.access.csrf.TokenMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "portal.urls"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["portal.access.sessions.SessionBackend"]
PASSWORD_HASHERS = ["portal.accounts.hashers.Argon2Hasher"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOGGING = logs.config(LOG_FORMAT)

# --- sessions and forms, under the names that Harbor's clients know --------------------------------------------------
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db" if REDIS_URL else "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "sid"
CSRF_COOKIE_NAME = "_gorilla_csrf"
CSRF_COOKIE_HTTPONLY = True  # The token is read from the answers' X-Harbor-CSRF-Token.
CSRF_HEADER_NAME = "HTTP_X_HARBOR_CSRF_TOKEN"
CSRF_FAILURE_VIEW = "portal.access.csrf.refuse"
CSRF_TRUSTED_ORIGINS = [EXTERNAL_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = EXTERNAL_URL.startswith("https:")
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "portal.redis_cache.Cache", "LOCATION": REDIS_URL, "KEY_PREFIX": "portolan"}}

# --- pages and the REST API ------------------------------------------------------------------------------------------
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # Nothing is collected: the packages' files are served from where they are.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "portal.api.wire.errors.respond",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Portolan",
    "DESCRIPTION": "The REST API of the Portolan registry. Its contract is that of Harbor 2.0.",
    "VERSION": "2.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "PREPROCESSING_HOOKS": ["portal.api.document.only_the_api"],
    "SCHEMA_PATH_PREFIX": "/api/v2.0",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": True,  # What has no value is left out of an answer.
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- protection of browsers -------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = csp.POLICY
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if EXTERNAL_URL.startswith("https:") else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # Ours is a subclass of Django's middleware against forged requests.
    "security.W005",  # HSTS for subdomains, and
    "security.W021",  # its preloading, bind hosts that are not ours to bind.
    "security.W008",  # We answer one port, with TLS or without; sending others to it is the proxy's part.
]

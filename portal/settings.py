"""Django settings, computed from the operator's few variables (see README, "Configuration").

Operators set environment variables only; nothing below is theirs to edit.
"""

from pathlib import Path

from portal.databases import database_from_url
from portal.env import env_int, env_listen, env_networks, env_path, env_str, private_file, private_folder

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
DATABASES = {"default": database_from_url(env_str("PORTOLAN_DATABASE_URL", f"sqlite:///{DATA_DIR}/portolan.sqlite3"))}

# --- Django ---------------------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = ["*"]  # The registry answers under any name; links are built from EXTERNAL_URL, never from Host.
INSTALLED_APPS = [
    "audit",
    "jobs",
    "registry",
    "replication",
    "portal.accounts",
    "portal.projects",
    "portal.access",
    "portal",
    "django.contrib.contenttypes",
    "django.contrib.auth",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "portal.urls"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["portal.accounts.hashers.Argon2Hasher"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # A refused request is the client's news, not the operator's.
    "loggers": {"django.request": {"level": "ERROR"}},
}

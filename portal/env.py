"""Typed readers of the operator's environment variables, and the secrets kept beside the data.

Everything an operator may set is read here and nowhere else; each reader fails with a sentence that names the variable.
"""

import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_PORTS = range(1, 65536)


def env_str(name: str, default: str = "") -> str:
    """The variable's text, stripped; `default` when it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def env_int(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`."""
    text = env_str(name, str(default))
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {text!r}: it takes a whole number.") from None
    if value < least:
        raise ImproperlyConfigured(f"{name} is {value}: it must be at least {least}.")
    return value


def env_path(name: str, default: Path) -> Path:
    """An absolute path; a relative one counts from the working directory."""
    return Path(env_str(name, str(default))).expanduser().absolute()


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated values, blanks dropped."""
    return [part.strip() for part in env_str(name, default).split(",") if part.strip()]


def env_networks(name: str, default: str = "") -> list[IPv4Network | IPv6Network]:
    """Comma-separated addresses and networks, as in `10.0.0.0/8, ::1`."""
    try:
        return [ip_network(text, strict=False) for text in env_list(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. It takes addresses and networks, as in 10.0.0.0/8.") from None


def env_listen(name: str, default: str) -> tuple[str, int]:
    """`address:port`, where an IPv6 address stands in brackets."""
    text = env_str(name, default)
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) not in _PORTS:
        raise ImproperlyConfigured(f"{name} is {text!r}: it takes address:port, as in 127.0.0.1:8080 or [::1]:8080.")
    return host.strip("[]"), int(port)


def private_folder(path: Path) -> Path:
    """The folder, made if need be for its owner alone: it holds password hashes and keys."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be made ({error.strerror}): set PORTOLAN_DATA_DIR.") from None
    return path


def private_file(path: Path, make: str | None = None) -> str:
    """The text of a file only its owner may read; made once, with `make` or a random text, if it does not exist.

    Safe when several processes start at once: one of them creates the file, the others read it.
    """
    private_folder(path.parent)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make if make is not None else secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()

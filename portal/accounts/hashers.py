"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with the parameters of the OWASP Password Storage Cheat Sheet.

    Django's defaults take 100 MB and all cores for each password, with which a few logins at once would fill a small
    machine.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

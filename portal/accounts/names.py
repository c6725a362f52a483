"""What a user may be called, and what a password must look like (Harbor's rules, which its clients know)."""

import re
import unicodedata

from portal.errors import Invalid

LONGEST = 255
BUILT_IN = "admin"
"""The administrator whom the first start makes: nobody can delete them, as nobody can their like in Harbor."""

# A colon ends the name in Basic credentials, so a name with one could never log in.
FORBIDDEN = ',"~#%$:'
PASSWORD_RULE = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,128}", re.DOTALL)


def username_key(username: str) -> str:
    """The form in which names are compared: case and compatibility variants do not make another user.

    What is far too long for a name stays as it is: normalizing takes a time that grows with the square of the length.
    """
    if len(username) > 4 * LONGEST:
        return username
    return unicodedata.normalize("NFKC", username).casefold()


def check_username(username: str) -> str:
    """The name itself if it may be used. Raises Invalid."""
    if not username or max(len(username), len(username_key(username))) > LONGEST or username != username.strip():
        raise Invalid("A user name has 1 to 255 characters and neither begins nor ends with a space.")
    if any(c in FORBIDDEN or unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in username):
        raise Invalid(f"A user name may contain neither control characters nor any of {FORBIDDEN}")
    return username


def check_password(password: str) -> str:
    """The password itself if it is strong enough. Raises Invalid."""
    if not PASSWORD_RULE.fullmatch(password):
        raise Invalid(
            "A password has 8 to 128 characters, among them an upper-case letter, a lower-case letter and a digit."
        )
    return password

"""`manage.py user`: create, list, password, admin, active, delete."""

from portal.accounts import services
from portal.accounts.models import User
from portal.management.verbs import VerbCommand, operator, read_secret, switch


class Command(VerbCommand):
    """People who can log in."""

    help = "Create, list, change and delete users. Passwords are read from the terminal or standard input."

    def verbs(self) -> None:
        """Declares the verbs."""
        create = self.verb("create", self._create, "create a user", username="the name to log in with")
        create.add_argument("--email", default="", help="a mail address that no other user has")
        create.add_argument("--realname", default="", help="what the person is called")
        create.add_argument("--comment", default="", help="a note for administrators")
        create.add_argument("--admin", action="store_true", help="make the user a system administrator")
        self.verb("list", self._list, "list all users")
        text = "the user's name"
        self.verb("password", self._password, "set a user's password", username=text)
        switch(self.verb("admin", self._admin, "make a user system administrator, or no longer", username=text))
        switch(self.verb("active", self._active, "let a user log in, or no longer", username=text))
        self.verb("delete", self._delete, "delete a user", username=text)

    def _create(self, *, username: str, email: str, realname: str, comment: str, admin: bool) -> None:
        user = services.user_create(
            username=username,
            password=read_secret("Password"),
            email=email,
            realname=realname,
            comment=comment,
            is_admin=admin,
            origin=operator(),
        )
        self.say(f"User {user} created.")

    def _list(self) -> None:
        users = User.objects.order_by("username_key")
        rows = [
            (
                u.username,
                u.email,
                "yes" if u.is_admin else "",
                "yes" if u.is_active else "no",
                f"{u.created_at:%Y-%m-%d}",
            )
            for u in users
        ]
        self.table(["NAME", "MAIL", "ADMIN", "ACTIVE", "CREATED"], rows)

    def _password(self, *, username: str) -> None:
        user = services.user_get(username)
        services.user_set_password(user=user, password=read_secret("New password"), origin=operator())
        self.say(f"The password of {user} is changed.")

    def _admin(self, *, username: str, state: str) -> None:
        user = services.user_set_admin(user=services.user_get(username), is_admin=state == "on", origin=operator())
        self.say(f"{user} is {'now' if user.is_admin else 'no longer'} a system administrator.")

    def _active(self, *, username: str, state: str) -> None:
        user = services.user_set_active(user=services.user_get(username), is_active=state == "on", origin=operator())
        self.say(f"{user} can {'log in' if user.is_active else 'no longer log in'}.")

    def _delete(self, *, username: str) -> None:
        services.user_delete(user=services.user_get(username), origin=operator())
        self.say(f"User {username} deleted.")

"""The admin site itself: who gets in, and how they log in."""

from typing import Any, cast

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, reverse

from portal import limits
from portal.access.identity import Identity
from portal.access.sessions import session_begin, session_end, session_user
from portal.accounts.login import login
from portal.clients import client_of_request
from registry.ports import TooManyAttempts, Unauthenticated


class LoginForm(AdminAuthenticationForm):
    """Checks a password as every other login does, with the same patience for those who guess."""

    def clean(self) -> dict[str, Any]:
        """The cleaned fields; the user is kept for `get_user`."""
        assert self.request is not None
        client = client_of_request(self.request)
        if wait := limits.check(limits.address_key(client.address), "login"):
            raise _later(wait)
        name, password = self.cleaned_data.get("username", ""), self.cleaned_data.get("password", "")
        try:
            self.user_cache = login(name, password, address=client.address)
        except Unauthenticated as error:
            raise forms.ValidationError(str(error)) from None
        except TooManyAttempts as error:
            raise _later(error.retry_after) from None
        self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


def _later(seconds: int) -> forms.ValidationError:
    return forms.ValidationError(f"Too many logins: try again in {seconds} seconds.")


class Login(LoginView):
    """The page with the form."""

    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Begins a session, the same that `/c/login` begins."""
        user = form.get_user()
        origin = client_of_request(self.request).origin(Identity(user=user))
        session_begin(request=self.request, user=user, origin=origin)
        return HttpResponseRedirect(self.get_success_url())


class Site(AdminSite):
    """Lets administrators in who have a session."""

    site_title = site_header = "Portolan"
    index_title = "What is in the database"
    site_url = None

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's, without the form that would set a password past the verb."""
        return [url for url in super().get_urls() if not (getattr(url, "name", "") or "").startswith("password_change")]

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the request's session is an administrator's; looking around keeps it alive."""
        user = session_user(request)
        return user is not None and user.is_admin

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The form, or for those who are in already the index."""
        index = reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(index)
        context = {
            **self.each_context(request),
            "title": "Log in",
            "app_path": request.get_full_path(),
            **({} if "next" in request.GET or "next" in request.POST else {"next": index}),
            **(extra_context or {}),
        }
        return cast("HttpResponse", Login.as_view(extra_context=context)(request))

    def logout(  # type: ignore[override] # No page of its own: the form for the next login.
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Ends the session, where a form of ours asks for it."""
        user = session_user(request)
        if request.method == "POST" and user is not None:
            session_end(request=request, origin=client_of_request(request).origin(Identity(user=user)))
        return HttpResponseRedirect(reverse("admin:login", current_app=self.name))

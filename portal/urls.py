"""Every URL that Django answers; `/v2/` is the registry's own application."""

from django.urls import include, path

from portal import views
from portal.access.session_views import log_in, log_out, user_exists
from portal.access.views import token
from portal.admin.tables import site as admin
from portal.explorer import explorer
from portal.observability import views as monitoring

urlpatterns = [
    path("admin/", admin.urls),
    path("devcenter-api-2.0", explorer),
    path("metrics", monitoring.metrics),
    path("readyz", monitoring.ready),
    path("service/token", token),
    path("c/login", log_in),
    path("c/log_out", log_out),
    path("c/userExists", user_exists),
    path("api/version", views.version),
    path("api/v2.0/", include("portal.api.urls")),
]

handler400 = handler403 = handler404 = views.refused
handler500 = views.failed

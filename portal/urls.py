"""Every URL that Django answers; `/v2/` is the registry's own application."""

from django.urls import path

from portal import views
from portal.access.views import token

urlpatterns = [
    path("service/token", token),
    path("api/version", views.version),
    path("api/v2.0/ping", views.ping),
    path("api/v2.0/health", views.health),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error

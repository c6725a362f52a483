"""The content security policy of every page: what is not named here a browser neither loads nor runs.

Pages come from templates and static files of our own, without inline scripts or styles. A page that needs more says so
with a decorator of django-csp (`csp.decorators`), next to its view.
"""

from csp.constants import NONE, SELF

POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

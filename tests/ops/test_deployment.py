"""`manage.py check --deploy`: clean where Portolan is set up well, and a finding where something is likely wrong."""

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks

from portal.env import env_networks
from tests.support.portolan import Portolan
from tests.support.processes import CommandFailed
from tests.support.scratch import scratch

PRODUCTION = {"external_url": "https://registry.example.com", "trusted_proxies": "10.0.0.1"}


def check(**options: str) -> str:
    with scratch("check") as directory:
        return Portolan(directory, **options).manage("check", "--deploy", "--fail-level", "WARNING")


def test_behind_a_proxy_it_is_clean():
    assert "no issues" in check(**PRODUCTION)


def test_a_plain_installation_is_told_what_it_lacks():
    with pytest.raises(CommandFailed, match=r"portal\.W001.*") as failure:
        check()
    assert "PORTOLAN_EXTERNAL_URL" in str(failure.value)


def networks(monkeypatch, text: str) -> list:
    monkeypatch.setenv("NETWORKS", text)
    return env_networks("NETWORKS")


@pytest.fixture
def findings(settings):
    settings.EXTERNAL_URL = "https://registry.example.com"
    settings.TRUSTED_PROXIES = settings.METRICS_NETWORKS

    def found(**changes) -> set[str]:
        for name, value in changes.items():
            setattr(settings, name, value)
        return {message.id for message in run_checks(include_deployment_checks=True) if message.id.startswith("portal")}

    return found


def test_each_likely_mistake_has_its_finding(findings, monkeypatch, tmp_path):
    everybody = networks(monkeypatch, "0.0.0.0/0")
    assert findings() == set()
    tmp_path.chmod(0o755)
    for finding, changes in {
        "portal.E005": {"LOG_FORMAT": "xml"},
        "portal.E006": {"ACCESS_LOG": "some"},
        "portal.W001": {"EXTERNAL_URL": "http://registry.example.com"},
        "portal.W002": {"TRUSTED_PROXIES": []},
        "portal.W003": {"TRUSTED_PROXIES": everybody},
        "portal.W004": {"METRICS_NETWORKS": everybody},
        "portal.W005": {"DATA_DIR": tmp_path},
    }.items():
        before = {name: getattr(django_settings, name) for name in changes}
        assert findings(**changes) == {finding}
        assert findings(**before) == set()


def test_a_certificate_needs_its_own_key(findings, tmp_path):
    for name in ("cert", "key"):
        (tmp_path / name).write_text("not PEM")
    assert findings(TLS_CERT=str(tmp_path / "cert"), TLS_KEY=str(tmp_path / "key")) == {"portal.E007"}


@pytest.mark.parametrize("path", ["/", "/api/v2.0/ping", "/admin/login/", "/devcenter-api-2.0", "/readyz"])
def test_no_page_runs_what_it_was_not_given(client, db, path):
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy

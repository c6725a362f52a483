"""How PORTOLAN_REDIS_URL becomes Celery's broker."""

import ssl

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.celery import broker


def test_without_redis_no_broker_is_needed():
    assert broker("")["broker_transport"] == "jobs.silence:Transport"


def test_redis_over_tls_is_verified_unless_the_url_says_more():
    assert broker("rediss://r.example:6380/1")["broker_use_ssl"] == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert "broker_use_ssl" not in broker("redis://r.example/1")


def test_sentinels_are_named_with_their_master():
    conf = broker("sentinel://:secret@s1.example:26379,s2.example:26380/mymaster/3")
    assert conf["broker_url"] == "sentinel://:secret@s1.example:26379/3;sentinel://:secret@s2.example:26380/3"
    assert conf["broker_transport_options"]["master_name"] == "mymaster"


@pytest.mark.parametrize("url", ["amqp://h", "sentinel://h:26379", "h:6379"])
def test_what_is_no_redis_is_refused(url):
    with pytest.raises(ImproperlyConfigured, match="PORTOLAN_REDIS_URL"):
        broker(url)

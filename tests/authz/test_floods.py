"""Logins that come in crowds."""

import asyncio

import pytest

from audit.origin import SYSTEM
from portal.accounts import passwords
from portal.accounts.services import user_create
from registry.distribution.app import Distribution
from tests.portal.conftest import PASSWORD, basic
from tests.registry.client import Client

__all__ = ["basic"]


@pytest.fixture
def client(transactional_db, loop, store_dir):
    async def make():
        return Distribution()

    app = loop.run_until_complete(make())
    yield Client(app, loop)
    app._spool.close()


def test_strangers_who_queue_for_argon2_keep_nobody_waiting_whose_password_is_known(client, loop, basic, monkeypatch):
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 60)
    user_create(username="alice", password=PASSWORD, origin=SYSTEM)
    known = {"authorization": basic("alice")}
    assert client.request("GET", "/v2/", headers=known).status == 200

    async def crowd():
        with passwords._turn:  # Nobody gets on before alice has been answered.
            strangers = [
                asyncio.ensure_future(client.exchange("GET", "/v2/", headers={"authorization": basic(f"stranger{n}")}))
                for n in range(30)
            ]
            async with asyncio.timeout(30):
                alice = await asyncio.ensure_future(client.exchange("GET", "/v2/", headers=known))  # Behind them.
        return alice.status, {answer.status for answer in await asyncio.gather(*strangers)}

    assert loop.run_until_complete(crowd()) == (200, {401, 429})

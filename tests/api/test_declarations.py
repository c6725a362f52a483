"""What holds for every operation, by its declaration."""

from collections import Counter

from django.test import Client

from portal.api import document
from tests.api.catalogue import declared


def test_every_operation_that_changes_something_says_what_it_leaves_in_the_journal():
    silent = [
        str(one)
        for one in declared()
        if one.method not in ("GET", "HEAD") and bool(one.operation.journal) == bool(one.operation.changes_nothing)
    ]
    assert not silent, "declare `journal`, or in `changes_nothing` why there is nothing to tell"


def test_reading_leaves_nothing_in_the_journal():
    assert not [str(one) for one in declared() if one.method in ("GET", "HEAD") and one.operation.journal]


def test_no_two_operations_share_a_name():
    names = Counter(one.operation.id for one in declared())
    assert not [name for name, count in names.items() if count > 1]


def test_the_document_is_made_once_and_sent_to_whom_it_is_new(nobody, monkeypatch):
    first = nobody.get("/openapi.json")
    monkeypatch.setattr(document, "SchemaGenerator", None)
    assert nobody.get("/openapi.json").content == first.content
    assert Client().get("/api/v2.0/openapi.json", headers={"If-None-Match": first["ETag"]}).status_code == 304

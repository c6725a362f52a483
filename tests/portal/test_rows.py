"""Locking a row, and saving one that may be there only once."""

import pytest
from django.db import transaction

from portal.errors import Conflict, Missing
from portal.labels.models import Label
from portal.rows import locked, once

pytestmark = pytest.mark.django_db


def test_a_row_is_locked_as_it_is_now():
    label = Label.objects.create(name="red")
    Label.objects.update(name="green")
    with transaction.atomic():
        assert locked(label).name == "green"


def test_a_row_that_has_gone_meanwhile_is_missing():
    label = Label.objects.create(name="red")
    Label.objects.all().delete()
    with transaction.atomic(), pytest.raises(Missing, match=f"There is no label {label.pk}"):
        locked(label)


def test_what_is_there_already_is_refused_and_the_transaction_goes_on():
    Label.objects.create(name="red")
    with transaction.atomic():
        with pytest.raises(Conflict, match="taken"), once("It is taken."):
            Label.objects.create(name="red")
        Label.objects.create(name="green")
    assert Label.objects.count() == 2

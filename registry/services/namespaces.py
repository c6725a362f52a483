"""The verb that ends a namespace."""

from django.db import transaction

from registry.models import Namespace


@transaction.atomic
def delete_namespace(namespace: Namespace) -> bool:
    """Deletes a namespace; False when it has repositories.

    While deleted repositories are still being cleared away it only gives up its name, and goes with the last of them.
    """
    # A push that is creating a repository waits for the lock, and then finds no namespace of the name.
    found = Namespace.objects.select_for_update().filter(pk=namespace.pk).first()
    if found is None:
        return True
    if found.repositories.filter(deleted_at=None).exists():
        return False
    if found.repositories.exists():
        Namespace.objects.filter(pk=found.pk).update(name=f"~{found.pk}")
    else:
        found.delete()
    return True

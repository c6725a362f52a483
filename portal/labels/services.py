"""What can be done to labels. Each verb validates, changes and journals in one transaction."""

from django.db import transaction

from audit.journal import record
from audit.origin import Origin
from portal.errors import Conflict, Invalid, Missing
from portal.labels.models import ArtifactLabel, Label
from portal.projects.models import Project
from portal.projects.services import project_held
from portal.rows import locked, once
from registry.models import Manifest, Repository

LONGEST_NAME = 128
LONGEST_DESCRIPTION = 1024
LONGEST_COLOR = 16


def label_get(label_id: int) -> Label:
    """The label of that id. Raises Missing."""
    label = Label.objects.filter(pk=label_id).select_related("project__namespace").first()
    if label is None:
        raise Missing(f"There is no label {label_id}.")
    return label


@transaction.atomic
def label_create(*, name: str, description: str, color: str, project: Project | None, origin: Origin) -> Label:
    """A new label, global or of the project. Raises Invalid, Missing, or Conflict when the name is taken there."""
    label = Label(project=project and project_held(project))
    _describe(label, name, description, color)
    _save(label)
    after = {"name": name, "color": color, "scope": label.scope}
    record(origin, "label.create", project=_project(label), target=name, after=after)
    return label


@transaction.atomic
def label_update(*, label: Label, name: str, description: str, color: str, origin: Origin) -> Label:
    """Renames or describes the label anew. Raises Invalid, Missing or Conflict."""
    label = locked(label, "project__namespace")
    before = _told(label)
    _describe(label, name, description, color)
    _save(label)
    record(origin, "label.update", project=_project(label), target=name, before=before, after=_told(label))
    return label


@transaction.atomic
def label_delete(*, label: Label, origin: Origin) -> None:
    """Removes the label, and takes it off every artifact. Raises Missing."""
    label = locked(label, "project__namespace")
    before = _told(label) | {"artifacts": label.uses.count()}
    record(origin, "label.delete", project=_project(label), target=label.name, before=before)
    label.delete()


@transaction.atomic
def label_attach(*, label: Label, manifest: Manifest, origin: Origin) -> None:
    """Puts the label on an artifact. Raises Conflict when it is there, Missing when it is another project's."""
    repository = manifest.repository
    if label.project_id not in (None, repository.namespace_id):
        raise Missing(f"There is no label {label.pk} in this project.")
    # Whoever deletes the artifact or the label has to see this use of it, or comes first.
    living = Repository.objects.select_for_update().filter(pk=repository.pk, deleted_at=None)
    if not (living.first() and Manifest.objects.filter(pk=manifest.pk).exists()):
        raise Missing("The artifact does not exist any more.")
    label = locked(label, "project__namespace")
    if not ArtifactLabel.objects.get_or_create(label=label, manifest=manifest)[1]:
        raise Conflict(f"The artifact bears the label {label.name} already.")
    target = f"{repository.name}@{manifest.digest}"
    record(origin, "label.attach", project=repository.namespace.name, target=target, after={"label": label.name})


@transaction.atomic
def label_detach(*, label: Label, manifest: Manifest, origin: Origin) -> None:
    """Takes the label off an artifact. Raises Missing when it is not there."""
    repository = manifest.repository
    if not ArtifactLabel.objects.filter(label=label, manifest=manifest).delete()[0]:
        # Not by its name: the label may be another project's.
        raise Missing(f"The artifact does not bear the label {label.pk}.")
    target = f"{repository.name}@{manifest.digest}"
    record(origin, "label.detach", project=repository.namespace.name, target=target, before={"label": label.name})


def _describe(label: Label, name: str, description: str, color: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A label's name has 1 to {LONGEST_NAME} printable characters.")
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(f"A label's description has at most {LONGEST_DESCRIPTION} characters.")
    # As in #0065AB; but Terraform says "false" where nobody chose one.
    if len(color) > LONGEST_COLOR or not color.isprintable():
        raise Invalid(f"A label's color has at most {LONGEST_COLOR} printable characters, as in #0065AB.")
    label.name, label.description, label.color = name, description, color


def _save(label: Label) -> None:
    with once(f"There is a label {label.name} already."):
        label.save()


def _told(label: Label) -> dict[str, str]:
    return {"name": label.name, "description": label.description, "color": label.color}


def _project(label: Label) -> str:
    return label.project.name if label.project else ""

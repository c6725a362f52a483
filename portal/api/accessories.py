"""`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories`: signatures and the like."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.artifact_shapes import AccessorySerializer
from portal.api.content import ARTIFACT, Content
from portal.api.wire import pages
from portal.api.wire.operations import operation
from portal.api.wire.query import Field, Fields, asked, moment, number
from portal.api.wire.rights import of_project
from portal.artifacts.selectors import accessories_of
from portal.projects.models import Project
from registry.models import Manifest

FIELDS: Fields = {
    "id": Field("id", number),
    "artifact_id": Field("id", number),
    "digest": Field("digest"),
    "type": Field("accessory_kind"),
    "size": Field("total_size", number),
    "creation_time": Field("pushed_at", moment),
}


class Accessories(Content):
    """`/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories`."""

    @operation(
        "listAccessories",
        tag="artifact",
        right=of_project("accessory", "list"),
        answers={200: AccessorySerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project, repository_name: str, reference: str) -> Response:
        """What signs or describes the artifact."""
        artifact = self.artifact(project, repository_name, reference)

        def show(rows: Sequence[Any]) -> list[dict[str, Any]]:
            for row in rows:
                row.subject_row = artifact
            return list(AccessorySerializer(rows, many=True).data)

        rows = asked(request, accessories_of(artifact), FIELDS, ("pk",))
        return pages.listed(request, rows, show, whole=Manifest.objects.defer("payload"))


PATHS = {f"{ARTIFACT}/accessories": Accessories}

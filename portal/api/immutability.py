"""`/projects/{p}/immutabletagrules`: the rules that make tags immutable."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.api.rule_shapes import RuleSerializer
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.query import Field, Fields, asked, boolean, number
from portal.api.wire.rights import of_project
from portal.api.wire.serializers import Text, many
from portal.errors import Invalid
from portal.immutability.selectors import immutable_rule_get
from portal.immutability.services import immutable_rule_create, immutable_rule_delete, immutable_rule_update
from portal.projects.models import Project

ACTION, TEMPLATE = "immutable", "immutable_template"


class ImmutableRuleSerializer(RuleSerializer):
    """A rule that makes tags immutable. It has no number, whatever `params` says."""

    action = Text(default=ACTION)
    template = Text(default=TEMPLATE)
    params = serializers.DictField(required=False, write_only=True)


FIELDS: Fields = {
    "id": Field("id", number),
    "disabled": Field("disabled", boolean),
    "priority": Field("priority", number),
}


class ImmutableRules(Resource):
    """`/projects/{p}/immutabletagrules`."""

    @operation(
        "ListImmuRules",
        tag="immutable",
        right=of_project("immutable-tag", "list"),
        answers={200: ImmutableRuleSerializer(many=True)},
        listed=True,
        fields=FIELDS,
    )
    def get(self, request: Request, project: Project) -> Response:
        """The immutable rules of a project."""
        rows = asked(request, project.immutable_rules.all(), FIELDS, ("pk",))
        return pages.listed(request, rows, many(ImmutableRuleSerializer))

    @operation(
        "CreateImmuRule",
        tag="immutable",
        right=of_project("immutable-tag", "create"),
        body=ImmutableRuleSerializer,
        answers={201: None},
        journal=("immutablerule.create",),
    )
    def post(self, request: Request, project: Project) -> Response:
        """A new immutable rule."""
        rule = immutable_rule_create(project=project, **_wanted(self), origin=self.origin)
        return self.created(f"{request.path.removeprefix('/api/v2.0').rstrip('/')}/{rule.pk}")


class OneImmutableRule(Resource):
    """`/projects/{p}/immutabletagrules/{immutable_rule_id}`."""

    @operation(
        "UpdateImmuRule",
        tag="immutable",
        right=of_project("immutable-tag", "update"),
        body=ImmutableRuleSerializer,
        answers={200: None},
        journal=("immutablerule.update",),
    )
    def put(self, request: Request, project: Project, immutable_rule_id: int) -> HttpResponse:
        """Replaces an immutable rule."""
        rule = immutable_rule_get(project, immutable_rule_id)
        immutable_rule_update(rule=rule, **_wanted(self, immutable_rule_id), origin=self.origin)
        return self.done()

    @operation(
        "DeleteImmuRule",
        tag="immutable",
        right=of_project("immutable-tag", "delete"),
        answers={200: None},
        journal=("immutablerule.delete",),
    )
    def delete(self, request: Request, project: Project, immutable_rule_id: int) -> HttpResponse:
        """Removes an immutable rule."""
        immutable_rule_delete(rule=immutable_rule_get(project, immutable_rule_id), origin=self.origin)
        return self.done()


def _wanted(resource: Resource, rule_id: int | None = None) -> dict[str, Any]:
    """What the body asks for. Raises Invalid."""
    wanted = resource.read(ImmutableRuleSerializer)
    if rule_id is not None and wanted.get("id") not in {None, 0, rule_id}:
        raise Invalid("The id in the body is not that of the rule in the path.")
    if (wanted["action"] or ACTION, wanted["template"] or TEMPLATE) != (ACTION, TEMPLATE):
        raise Invalid(f"The action of a rule is {ACTION}, its template {TEMPLATE}.")
    return {name: wanted[name] for name in ("tag_selectors", "scope_selectors", "disabled", "priority")}


PATHS = {
    "projects/<str:project_name_or_id>/immutabletagrules": ImmutableRules,
    "projects/<str:project_name_or_id>/immutabletagrules/<int:immutable_rule_id>": OneImmutableRule,
}

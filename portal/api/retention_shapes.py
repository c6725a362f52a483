"""What retention policies and their runs look like on the wire."""

from typing import Any

from rest_framework import serializers

from portal.api.rule_shapes import RuleSerializer
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire
from portal.immutability.patterns import KIND, REPOSITORIES, TAGS
from portal.retention.models import RetentionPolicy
from portal.retention.rules import ACTION, TEMPLATES

ALGORITHM, TRIGGER, LEVEL = "or", "Schedule", "project"
CODES = {"Pending": 0, "Running": 2}  # Every last state is 3.
LAST = 3


class RetentionRuleSerializer(RuleSerializer):
    """A rule that keeps artifacts. Its number stands in `params` under the name of its template."""

    action = Text(default=ACTION)
    template = Text()
    params = serializers.DictField(default=dict, allow_null=True)


class RetentionTriggerSerializer(Wire):
    """When the policy runs by itself: `settings.cron` has six fields, seconds first, or is empty."""

    kind = Text(default=TRIGGER)
    settings = serializers.DictField(default=dict, allow_null=True)
    references = serializers.DictField(default=dict, allow_null=True)


class RetentionScopeSerializer(Wire):
    """The project, by id, whose policy it is."""

    level = Text()
    ref = Whole()


class RetentionPolicySerializer(Wire):
    """A policy. What none of its rules keeps is deleted when it runs."""

    id = Whole(required=False)
    algorithm = Text(default=ALGORITHM)
    rules = RetentionRuleSerializer(many=True, default=list, allow_null=True)  # Go writes an empty list as null.
    trigger = RetentionTriggerSerializer(required=False, allow_null=True)
    scope = RetentionScopeSerializer()

    def to_representation(self, instance: RetentionPolicy) -> dict[str, Any]:
        """The policy as the contract has it."""
        return {
            "id": instance.pk,
            "algorithm": ALGORITHM,
            "rules": instance.rules,
            "trigger": {"kind": TRIGGER, "settings": {"cron": instance.cron}, "references": {}},
            "scope": {"level": LEVEL, "ref": instance.project_id},
        }


class RetentionExecutionSerializer(Wire):
    """A run of a policy."""

    id = Whole()
    policy_id = Whole()
    start_time = Moment(source="created_at")
    end_time = Moment(source="job.finished_at")
    status = Text(source="job.execution_state")
    trigger = Text(source="job.trigger")
    dry_run = Flag()


class RetentionTaskSerializer(Wire):
    """A run's work on one repository."""

    id = Whole()
    execution_id = Whole()
    repository = Text()
    job_id = Text(source="execution.job_id")
    status = Text()
    status_code = serializers.SerializerMethodField()
    start_time = Moment(source="started_at")
    end_time = Moment(source="finished_at")
    total = Whole()
    retained = Whole()

    def get_status_code(self, task: Any) -> int:
        """How far the status is: 0 waiting, 2 at work, 3 done."""
        return CODES.get(task.status, LAST)


class RetentionRunSerializer(Wire):
    """Whether to delete anything, or only to tell what would be."""

    dry_run = Flag(default=False)


class RetentionActionSerializer(Wire):
    """What to do with a run: stop."""

    action = Text()


class RetentionParameterSerializer(Wire):
    """A number that a rule takes."""

    type = Text()
    unit = Text()
    required = Flag()  # type: ignore[assignment] # The contract's name, which DRF has for its own.


class RetentionTemplateSerializer(Wire):
    """A kind of rule; # in the text stands for its number."""

    rule_template = Text()
    display_text = Text()
    action = Text()
    params = RetentionParameterSerializer(many=True)


class RetentionSelectorKindSerializer(Wire):
    """A kind of selector."""

    display_text = Text()
    kind = Text()
    decorations = serializers.ListField(child=Text())


class RetentionMetadataSerializer(Wire):
    """What rules can be made of."""

    templates = RetentionTemplateSerializer(many=True)
    scope_selectors = RetentionSelectorKindSerializer(many=True)
    tag_selectors = RetentionSelectorKindSerializer(many=True)


METADATA = {
    "templates": [
        {
            "rule_template": name,
            "display_text": template.text,
            "action": ACTION,
            "params": [{"type": "int", "unit": template.unit, "required": True}] if template.unit else [],
        }
        for name, template in TEMPLATES.items()
        if template.shown
    ],
    "scope_selectors": [{"display_text": "Repositories", "kind": KIND, "decorations": list(REPOSITORIES)}],
    "tag_selectors": [{"display_text": "Tags", "kind": KIND, "decorations": list(TAGS)}],
}

"""What rules about tags have in common on the wire: those that make them immutable, and those that retain artifacts."""

from rest_framework import serializers

from portal.api.wire.serializers import Flag, Text, Whole, Wire
from portal.immutability.patterns import KIND


class RuleSelectorSerializer(Wire):
    """What a rule is about: tags or repositories that match a pattern, or all but those."""

    kind = Text(default=KIND)
    decoration = Text()
    pattern = Text()
    extras = Text(default="")


class RuleSerializer(Wire):
    """A rule. Its scope selectors stand under `repository`; what is left out has the usual value."""

    id = Whole(required=False)
    priority = Whole(default=0)
    disabled = Flag(default=False)
    tag_selectors = RuleSelectorSerializer(many=True)
    scope_selectors = serializers.DictField(child=RuleSelectorSerializer(many=True))

"""Which tags are immutable."""

from collections.abc import Collection, Mapping

from portal.errors import Missing
from portal.immutability.models import ImmutableRule
from portal.immutability.patterns import covers, fits_tag
from portal.projects.models import Project


def protected_tags(project_id: int, repository: str, tags: Collection[str]) -> set[str]:
    """Those of the tags that a rule of the project makes immutable. `repository` is the full name. One query."""
    return protected_in(project_id, {repository: tags})[repository]


def protected_in(project_id: int, tags: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """The same for tags of several repositories of the project. One query."""
    rules = list(
        ImmutableRule.objects.filter(project_id=project_id, disabled=False).values_list(
            "tag_selectors", "scope_selectors"
        )
    )
    found = {}
    for repository, names in tags.items():
        applying = [selectors for selectors, scope in rules if covers(scope, repository.partition("/")[2])]
        found[repository] = {
            tag for tag in names if any(all(fits_tag(each, tag) for each in selectors) for selectors in applying)
        }
    return found


def immutable_rule_get(project: Project, rule_id: int) -> ImmutableRule:
    """The rule of that id, if it is the project's. Raises Missing."""
    rule = ImmutableRule.objects.filter(project=project, pk=rule_id).first()
    if rule is None:
        raise Missing(f"The project has no immutable rule {rule_id}.")
    return rule

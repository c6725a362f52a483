from datetime import UTC, datetime

import pytest

from audit.models import Entry
from audit.origin import SYSTEM
from portal.errors import Missing
from portal.labels.services import label_attach, label_create
from portal.projects.models import Role
from portal.projects.services import project_create
from registry.models import Manifest, ManifestChild, Repository, Tag
from registry.services.manifests import delete_manifest
from tests.api.conftest import make_member, queries_of
from tests.api.pushing import push
from tests.support.images import artifact, image, index

WEB = "/projects/apps/repositories/web/artifacts"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
EVERYTHING = {
    "with_tag": "true",
    "with_label": "true",
    "with_accessory": "true",
    "with_inherited_accessory": "true",
    "with_immutable_status": "true",
}


@pytest.fixture
def pushed(project, kept):
    return push("apps/web", image(), "latest")


def listed(caller, path=WEB, **query):
    answer = caller.get(path, **query)
    assert answer.status_code == 200, answer.content
    assert int(answer["X-Total-Count"]) >= len(answer.json())
    return [row["digest"] for row in answer.json()]


def test_an_artifact_says_what_it_is(admin, project, pushed):
    found = admin.get(f"{WEB}/latest", **EVERYTHING).json()
    assert found == admin.get(f"{WEB}/{pushed.digest}", **EVERYTHING).json()
    row = Manifest.objects.get()
    assert found["id"] == row.pk
    assert (found["digest"], found["type"]) == (pushed.digest, "IMAGE")
    assert found["media_type"] == "application/vnd.oci.image.config.v1+json"
    assert found["manifest_media_type"] == "application/vnd.oci.image.manifest.v1+json"
    assert (found["project_id"], found["repository_name"]) == (project.pk, "apps/web")
    assert found["size"] == len(pushed.data) + sum(len(blob.data) for blob in pushed.blobs)
    assert found["extra_attrs"]["architecture"] == "amd64"
    assert found["pull_time"] == "0001-01-01T00:00:00.000Z"
    assert found["tags"][0] == {
        "id": Tag.objects.get().pk,
        "repository_id": row.repository_id,
        "artifact_id": row.pk,
        "name": "latest",
        "push_time": found["tags"][0]["push_time"],
        "pull_time": "0001-01-01T00:00:00.000Z",
        "immutable": False,
    }
    assert (found["labels"], found["accessories"], found["references"]) == ([], [], [])
    link = found["addition_links"]["build_history"]
    assert link == {"href": f"/api/v2.0{WEB}/{pushed.digest}/additions/build_history", "absolute": False}
    assert admin.get(link["href"].removeprefix("/api/v2.0")).status_code == 200


def test_what_is_not_asked_for_is_left_out(admin, pushed):
    found = admin.get(f"{WEB}/latest", with_tag="false").json()
    assert not {"tags", "labels", "accessories", "inherited_accessories", "scan_overview"} & set(found)
    assert "tags" in admin.get(WEB).json()[0]
    assert admin.get(WEB, with_tag="perhaps").status_code == 422


def test_a_list_is_narrowed_by_tags_labels_and_columns(admin, project, pushed):
    plain = push("apps/web", image("plain"))
    label = label_create(name="good", description="", color="", project=project, origin=SYSTEM)
    other = label_create(name="other", description="", color="", project=None, origin=SYSTEM)
    assert admin.post(f"{WEB}/latest/labels", {"id": label.pk}).status_code == 200
    for q, expected in {
        "": [plain, pushed],
        "tags=*": [pushed],
        "tags=nil": [plain],
        "tags=latest": [pushed],
        "tags=late": [],
        "tags=~ATE": [pushed],
        f"labels=({label.pk})": [pushed],
        f"labels=({label.pk} {other.pk})": [],
        f"digest={plain.digest}": [plain],
        "type=IMAGE": [plain, pushed],
        "type=CHART": [],
        "project_id=999": [],
        "push_time=[2020-01-01~]": [plain, pushed],
        "pull_time=[~2020-01-01]": [plain, pushed],
        "size=[~10]": [],
        "nonsense=1": [plain, pushed],
    }.items():
        assert listed(admin, q=q) == [one.digest for one in expected], q
    assert listed(admin, sort="push_time") == [pushed.digest, plain.digest]
    Manifest.objects.filter(digest=plain.digest).update(pulled_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert listed(admin, sort="-pull_time", page_size=1) == [plain.digest]
    assert listed(admin, page=2, page_size=1) == [pushed.digest]


@pytest.mark.parametrize(
    "q", ["base=x", "base=~*", "tags={a b}", "labels=1", "labels=(x)", "labels=()", "size=x", "push_time=[x~]", "tags"]
)
def test_what_q_cannot_mean_is_refused(admin, pushed, q):
    assert admin.get(WEB, q=q).status_code == 400


def test_members_of_an_index_are_told_with_it(admin, project, kept):
    members = [image("one"), image("two", architecture="arm64")]
    content = push("apps/web", index(members), "multi")
    assert listed(admin) == [content.digest]
    assert len(listed(admin, q="base=*")) == 3
    found = admin.get(f"{WEB}/multi").json()
    assert [row["platform"]["architecture"] for row in found["references"]] == ["amd64", "arm64"]
    assert [row["child_digest"] for row in found["references"]] == [member.digest for member in members]
    assert {row["parent_id"] for row in found["references"]} == {found["id"]}
    assert found["references"][0]["child_id"] == admin.get(f"{WEB}/{members[0].digest}").json()["id"]
    assert found["addition_links"] == {}
    push("apps/web", members[0], "one")
    assert set(listed(admin)) == {content.digest, members[0].digest}


def test_a_member_of_an_index_is_not_deleted_alone(admin, project, kept):
    member = image("one")
    push("apps/web", index([member]), "multi")
    refused = admin.delete(f"{WEB}/{member.digest}")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert admin.delete(f"{WEB}/multi").status_code == 200
    assert listed(admin, q="base=*") == []


def test_accessories_are_told_with_their_subject(admin, pushed):
    signature = push("apps/web", artifact(SIGNATURE, subject=pushed))
    assert listed(admin) == [pushed.digest]
    found = admin.get(f"{WEB}/latest", with_accessory="true").json()
    told = found["accessories"]
    assert (told[0]["digest"], told[0]["type"]) == (signature.digest, "signature.cosign")
    assert (told[0]["subject_artifact_id"], told[0]["subject_artifact_digest"]) == (found["id"], pushed.digest)
    assert told[0]["subject_artifact_repo"] == "apps/web"
    assert told[0]["icon"].startswith("sha256:")
    assert admin.get(f"{WEB}/latest/accessories").json() == told
    assert admin.get(f"{WEB}/latest/accessories", q="type=sbom.harbor").json() == []


def test_the_signatures_of_an_index_count_for_its_members(admin, project, kept):
    member = image("one")
    parent = push("apps/web", index([member]), "multi")
    signature = push("apps/web", artifact(SIGNATURE, subject=parent))
    found = admin.get(f"{WEB}/{member.digest}", with_accessory="true", with_inherited_accessory="true").json()
    assert found["accessories"] == []
    assert [row["digest"] for row in found["inherited_accessories"]] == [signature.digest]
    assert found["inherited_accessories"][0]["subject_artifact_digest"] == parent.digest


def test_an_artifact_is_deleted_with_its_tags(admin, pushed):
    assert admin.delete(f"{WEB}/latest").status_code == 200
    assert admin.get(f"{WEB}/{pushed.digest}").status_code == 404
    assert admin.get(WEB).json() == []
    assert admin.get(WEB)["X-Total-Count"] == "0"
    entry = Entry.objects.get(action="manifest.delete")
    assert (entry.target, entry.before["tags"]) == (f"apps/web@{pushed.digest}", ["latest"])


def test_an_artifact_is_copied_with_what_belongs_to_it(admin, pushed):
    signature = push("apps/web", artifact(SIGNATURE, subject=pushed))
    to = "/projects/apps/repositories/copies%252Fweb/artifacts"
    created = admin.post(f"{to}?from=apps/web:latest")
    assert created.status_code == 201
    assert created["Location"] == f"/api/v2.0{to}/latest"
    found = admin.get(f"{to}/latest", with_accessory="true").json()
    assert found["digest"] == pushed.digest
    assert [row["digest"] for row in found["accessories"]] == [signature.digest]
    assert admin.post(f"{to}?from=apps/web@{signature.digest}").status_code == 403
    assert admin.post(f"{to}?from=apps/web@{pushed.digest}").status_code == 201


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("apps/web:nothing", 404),
        ("apps/web@sha256:" + "0" * 64, 404),
        ("apps/nothing:latest", 404),
        ("nothing/web:latest", 404),
        ("apps/web", 400),
        ("nonsense", 400),
        ("", 400),
        ("apps/web@md5:1", 400),
        ("apps/web:la%00test", 400),
        ("apps/../web:latest", 400),
    ],
)
def test_what_cannot_be_copied(admin, pushed, source, status):
    assert admin.post(f"/projects/apps/repositories/copy/artifacts?from={source}").status_code == status
    assert admin.post("/projects/apps/repositories/UPPER/artifacts?from=apps/web:latest").status_code == 400
    assert not Repository.objects.exclude(name="apps/web").exists()


def test_who_copies_may_read_there_and_write_here(pushed, project):
    project_create(name="others", owner=None, origin=SYSTEM)
    developer = make_member(project, "dev", Role.DEVELOPER)
    guest = make_member(project, "gus", Role.GUEST)
    here = "/projects/apps/repositories/copy/artifacts"
    assert guest.post(f"{here}?from=apps/web:latest").status_code == 403
    assert developer.post(f"{here}?from=others/web:latest").status_code == 403
    assert developer.post(f"{here}?from=nowhere/web:latest").status_code == 403
    assert developer.post("/projects/others/repositories/copy/artifacts?from=apps/web:latest").status_code == 403
    assert developer.post(f"{here}?from=apps/web:latest").status_code == 201


def test_labels_are_put_on_an_artifact_and_taken_off(admin, project, pushed):
    label = label_create(name="good", description="", color="#00FF00", project=project, origin=SYSTEM)
    path = f"{WEB}/latest/labels"
    assert admin.post(path, {"id": label.pk}).status_code == 200
    assert admin.get(f"{WEB}/latest", with_label="true").json()["labels"][0]["name"] == "good"
    assert admin.post(path, {"id": label.pk}).status_code == 409
    assert admin.delete(f"{path}/{label.pk}").status_code == 200
    assert admin.delete(f"{path}/{label.pk}").status_code == 404
    assert admin.post(path, {"id": 10**9}).status_code == 404
    assert admin.post(path, {"id": "1"}).status_code == 422
    assert admin.post(path, {}).status_code == 422
    foreign = project_create(name="others", owner=None, origin=SYSTEM)
    theirs = label_create(name="theirs", description="", color="", project=foreign, origin=SYSTEM)
    assert admin.post(path, {"id": theirs.pk}).status_code == 404
    assert list(Entry.objects.filter(action__startswith="label.").order_by("id").values_list("action", flat=True)) == [
        "label.create",
        "label.attach",
        "label.detach",
        "label.create",
    ]


def test_a_label_is_not_put_on_what_was_deleted_meanwhile(project, pushed):
    label = label_create(name="good", description="", color="", project=project, origin=SYSTEM)
    found = Manifest.objects.select_related("repository__namespace").get()
    delete_manifest(origin=SYSTEM, repository="apps/web", digest=pushed.digest)
    with pytest.raises(Missing):
        label_attach(label=label, manifest=found, origin=SYSTEM)


def test_rights_follow_the_roles(somebody, nobody, project, pushed):
    guest = make_member(project, "gus", Role.GUEST)
    developer = make_member(project, "dev", Role.DEVELOPER)
    for caller, read, write, delete in ((guest, 200, 403, 403), (somebody, 403, 403, 403), (nobody, 401, 401, 401)):
        assert caller.get(WEB).status_code == read
        assert caller.get(f"{WEB}/latest").status_code == read
        assert caller.get(f"{WEB}/latest/tags").status_code == read
        assert caller.get(f"{WEB}/latest/accessories").status_code == read
        assert caller.get(f"{WEB}/latest/additions/build_history").status_code == read
        assert caller.get("/projects/apps/artifacts").status_code == read
        assert caller.post(f"{WEB}/latest/tags", {"name": "mine"}).status_code == write
        assert caller.post(f"{WEB}/latest/labels", {"id": 1}).status_code == write
        assert caller.delete(f"{WEB}/latest").status_code == delete
        assert caller.delete(f"{WEB}/latest/tags/latest").status_code == delete
    assert developer.post(f"{WEB}/latest/tags", {"name": "mine"}).status_code == 201
    assert developer.delete(f"{WEB}/latest").status_code == 403


@pytest.mark.parametrize(
    "reference", ["nothing", "sha256:" + "0" * 64, "sha256:x", ":", "x" * 300, "a%2500", "%00", "sha256:%F0%9F%98%80"]
)
def test_what_is_no_artifact_is_not_found(admin, pushed, reference):
    assert admin.get(f"{WEB}/{reference}").status_code in {400, 404}
    assert admin.delete(f"{WEB}/{reference}").status_code in {400, 404}
    assert admin.get("/projects/apps/repositories/nothing/artifacts").status_code == 404


def test_a_project_lists_the_artifacts_of_all_its_repositories(admin, project, pushed):
    push("apps/other", image("old"))
    newest = push("apps/other", image("new"))
    everywhere = "/projects/apps/artifacts"
    assert len(listed(admin, everywhere)) == 3
    assert listed(admin, f"/projects/{project.pk}/artifacts", q="repository_name=apps/web") == [pushed.digest]
    q = "media_type=application/vnd.oci.image.config.v1%2Bjson"  # A plus is a space where it is read once more.
    assert listed(admin, everywhere, q=q, latest_in_repository="true") == [newest.digest, pushed.digest]
    assert len(listed(admin, everywhere, latest_in_repository="true")) == 3
    admin.delete(f"{WEB}/latest")
    assert admin.get(everywhere)["X-Total-Count"] == "2"


@pytest.mark.parametrize("path", [WEB, "/projects/apps/artifacts"])
def test_a_page_takes_the_same_number_of_queries_whatever_its_length(admin, project, pushed, path):
    push("apps/web", index([image("member")]))
    push("apps/web", artifact(SIGNATURE, subject=pushed))
    repository = Repository.objects.get()

    def fill(count):
        for number in range(count):
            where = (
                repository
                if path == WEB
                else Repository.objects.create(namespace=project.namespace, name=f"apps/r{count}-{number}")
            )
            row = Manifest.objects.create(
                repository=where,
                digest=f"sha256:{count:032}{number:032}",
                payload=b"{}",
                size=2,
                media_type="application/vnd.oci.image.index.v1+json",
            )
            Tag.objects.create(repository=where, manifest=row, name=f"t{count}-{number}")
            ManifestChild.objects.create(parent=row, digest=pushed.digest)

    def ask():
        return admin.get(path, page_size=100, **EVERYTHING)

    fill(2)
    few = queries_of(ask)
    fill(60)
    assert len(ask().json()) == 64
    assert queries_of(ask) == few

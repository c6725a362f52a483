import gzip
import io
import json
import tarfile

import pytest

from portal.artifacts import additions, archives
from portal.artifacts.archives import file_in
from portal.errors import Invalid
from registry.oci.artifact import CONFIG_LIMIT
from tests.api.pushing import keep, push
from tests.contract.specimens import chart, model
from tests.support.images import OCI_CONFIG, Content, artifact, image, index, manifest, tar_of

FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@pytest.fixture(autouse=True)
def _content(project, kept):
    """A project and a store."""


def addition(caller, content, name):
    push("apps/it", content, "latest")
    return caller.get(f"/projects/apps/repositories/it/artifacts/latest/additions/{name}")


def chart_of(files):
    config = Content(CHART_CONFIG, b"{}")
    return manifest(config, [Content(CHART_LAYER, gzip.compress(tar_of(files), mtime=0))])


def test_the_history_of_an_image(admin):
    steps = [{"created": "2026-01-01T00:00:00Z", "created_by": "/bin/sh"}, {"empty_layer": True}]
    config = {"architecture": "amd64", "os": "linux", "history": steps}
    answer = addition(admin, manifest(Content(OCI_CONFIG, json.dumps(config).encode()), []), "build_history")
    assert answer.json() == steps
    assert answer["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "content_type", "expected"),
    [("readme.md", "text/markdown", "# Chart\n"), ("values.yaml", "text/plain", "replicas: 1\n")],
)
def test_the_texts_of_a_chart(admin, name, content_type, expected):
    answer = addition(admin, chart(), name)
    assert answer.content.decode() == expected
    assert answer["Content-Type"] == f"{content_type}; charset=utf-8"


def test_the_dependencies_of_a_chart(admin):
    found = addition(admin, chart(), "dependencies").json()
    assert found == [{"name": "redis", "version": "1.2.3", "repository": "https://charts.example.org"}]


def test_the_texts_and_files_of_a_model(admin):
    assert addition(admin, model(), "license").content == b"Anybody may use it."
    assert addition(admin, model(), "readme.md").status_code == 404
    assert addition(admin, model(), "files").json() == [
        {"name": "LICENSE", "type": "file", "size": 19},
        {"name": "model.safetensors", "type": "file", "size": 7},
    ]


def test_a_document_of_a_model_may_come_in_an_archive(admin):
    layer = Content("application/vnd.cncf.model.doc.v1.tar", tar_of({"docs/README.md": b"# Model"}))
    made = manifest(Content("application/vnd.cncf.model.config.v1+json", b"{}"), [layer])
    document = made.document
    document["layers"][0]["annotations"] = {"org.cncf.model.filepath": "README.md"}
    made = type(made)(made.media_type, json.dumps(document).encode(), blobs=made.blobs)
    assert addition(admin, made, "readme.md").content == b"# Model"


def test_files_of_a_model_make_a_tree():
    paths = ["b/c/d.bin", "b/a.txt", "e", "../evil", "e/f", "folder/", "/".join("x" * 40)]
    layers = [{"size": 1, "annotations": {"org.cncf.model.filepath": path}} for path in paths]
    told = json.loads(additions._files(None, {"layers": [*layers, {}, 5]}).content)
    file = {"type": "file", "size": 1}
    assert told == [
        {
            "name": "b",
            "type": "directory",
            "children": [
                {"name": "c", "type": "directory", "children": [{"name": "d.bin"} | file]},
                {"name": "a.txt"} | file,
            ],
        },
        {"name": "folder", "type": "directory", "children": []},
        {"name": "e"} | file,
    ]


def test_a_bill_of_materials(admin):
    answer = addition(admin, artifact("application/vnd.goharbor.harbor.sbom.v1", b'{"sbom": 1}'), "sbom")
    assert answer.content == b'{"sbom": 1}'
    assert answer["Content-Type"] == "application/vnd.goharbor.harbor.sbom.v1"


def test_what_an_artifact_of_this_kind_does_not_have(admin):
    assert addition(admin, image(), "values.yaml").status_code == 400
    assert addition(admin, image(), "nonsense").status_code == 422
    assert addition(admin, image(), "vulnerabilities").status_code == 501
    assert addition(admin, index([image()]), "build_history").status_code == 400
    assert addition(admin, chart_of({"chart/Chart.yaml": b"{}"}), "readme.md").status_code == 404
    assert addition(admin, chart_of({"chart/charts/sub/README.md": b"no"}), "readme.md").status_code == 404
    assert admin.get("/projects/apps/repositories/it/artifacts/nothing/additions/files").status_code == 404


def test_content_that_is_not_what_it_says(admin):
    broken = manifest(Content(CHART_CONFIG, b"not json"), [Content(CHART_LAYER, b"not an archive")])
    assert addition(admin, broken, "readme.md").status_code == 400
    assert addition(admin, broken, "dependencies").status_code == 400
    large = manifest(Content(OCI_CONFIG, b" " * (CONFIG_LIMIT + 1)), [])
    assert addition(admin, large, "build_history").status_code == 400


def test_a_long_history_is_cut(admin):
    config = json.dumps({"history": [{"comment": str(number)} for number in range(5000)]}).encode()
    assert len(addition(admin, manifest(Content(OCI_CONFIG, config), []), "build_history").json()) == 1000


def test_one_archive_of_a_chart_is_read_and_no_more(admin, monkeypatch):
    read = []
    monkeypatch.setattr(additions, "file_in", lambda pieces, _: read.append(pieces))
    layer = Content(CHART_LAYER, gzip.compress(tar_of({"chart/Chart.yaml": b"{}"}), mtime=0))
    answer = addition(admin, manifest(Content(CHART_CONFIG, b"{}"), [layer] * 50), "readme.md")
    assert answer.status_code == 404
    assert len(read) == 1


def test_a_blob_of_somebody_else_is_not_read_by_naming_it(admin):
    """A layer that is to be fetched from elsewhere need not be in the repository; it may be in another one."""
    secret = Content(CHART_LAYER, gzip.compress(tar_of({"chart/README.md": b"secret"}), mtime=0))
    keep(secret)
    made = manifest(Content(CHART_CONFIG, b"{}"), [Content(FOREIGN, secret.data)])
    made = type(made)(made.media_type, made.data, blobs=made.blobs[:1])
    assert addition(admin, made, "readme.md").status_code == 404


def test_an_archive_cannot_make_us_read_without_end(monkeypatch):
    monkeypatch.setattr(archives, "ARCHIVE_LIMIT", 100_000)
    monkeypatch.setattr(archives, "FILE_LIMIT", 1000)
    monkeypatch.setattr(archives, "_ENTRIES", 5)
    bomb = gzip.compress(tar_of({"filler": bytes(10_000_000), "wanted": b"never reached"}))
    for archive in (
        bomb,
        tar_of({"wanted": bytes(1001)}),
        tar_of({str(number): b"" for number in range(20)}),
        tar_of({"other": b"12345"})[:515],
        b"\x1f\x8b" + b"rubbish" * 100,
        _with_header(b"99999999999999999999999999999 path=x\n"),
        _with_header(b"0 path=x\n"),
        _with_header(b"1" * 1_000_000),
        _with_header(b"5 a=\n" * 250_000),
    ):
        with pytest.raises(Invalid):
            file_in(iter([archive[:100], b"", archive[100:]]), lambda name: name == "wanted")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_in_every_form_of_archives(form):
    long = f"chart/{'sub/' * 30}README.md"
    names = [long, "chart/häfen.md", "chart/README.md"]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(name.encode())
            archive.addfile(entry, io.BytesIO(name.encode()))
    for name in names:
        assert file_in(iter([buffer.getvalue()]), name.__eq__) == name.encode()


def test_links_and_folders_are_no_files():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo("wanted")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    assert file_in(iter([buffer.getvalue()]), lambda name: name == "wanted") is None


def _with_header(records):
    """An archive with an extended header that nobody should write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("header")
        entry.type, entry.size = tarfile.XHDTYPE, len(records)
        archive.addfile(entry, io.BytesIO(records))
    return buffer.getvalue()

"""Artifacts with something inside to show: a Helm chart and an AI model."""

import gzip
import json
from dataclasses import replace

from tests.support.images import Content, Manifest, manifest, tar_of


def chart() -> Manifest:
    """A Helm chart with a dependency, as `helm push` stores it."""
    redis = {"name": "redis", "version": "1.2.3", "repository": "https://charts.example.org"}
    told = {"apiVersion": "v2", "name": "chart", "version": "1.0.0", "dependencies": [redis]}
    config = Content("application/vnd.cncf.helm.config.v1+json", json.dumps(told).encode())
    files = {
        "chart/Chart.yaml": config.data,  # JSON is YAML.
        "chart/values.yaml": b"replicas: 1\n",
        "chart/README.md": b"# Chart\n",
    }
    packed = gzip.compress(tar_of(files), mtime=0)
    return manifest(config, [Content("application/vnd.cncf.helm.chart.content.v1.tar+gzip", packed)])


def model() -> Manifest:
    """An AI model with its licence, as the ModelPack specification lays it out."""
    config = Content("application/vnd.cncf.model.config.v1+json", b'{"descriptor": {"name": "model"}}')
    layers = {
        "LICENSE": Content("application/vnd.cncf.model.doc.v1.raw", b"Anybody may use it."),
        "model.safetensors": Content("application/vnd.cncf.model.weight.v1.raw", b"weights"),
    }
    made = manifest(config, list(layers.values()), artifactType="application/vnd.cncf.model.manifest.v1+json")
    document = made.document
    for descriptor, name in zip(document["layers"], layers, strict=True):
        descriptor["annotations"] = {"org.cncf.model.filepath": name}
    return replace(made, data=json.dumps(document).encode())

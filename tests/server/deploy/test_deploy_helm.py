"""The Helm chart's text, rendered by helm, held against deploy/kubernetes and the program.

`make helm` has to be called before: elsewhere these tests are skipped.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from exporter.config.reading.loading import load
from exporter.web.server.sharding import is_template
from tests.helpers.deploy.chart import (
    NAMESPACE,
    container,
    find_kind,
    render,
)
from tests.helpers.deploy.chart_values import FITTED, OPEN, PLAIN, SECURED, SHARDED, SHARED
from tests.helpers.deploy.deployed import JOB, KUBERNETES, read

pytestmark = pytest.mark.slow  # helm is asked for every set of values

SECRETS = "/etc/error-budget-exporter-secrets"
OPERATORS = {"ServiceMonitor", "PrometheusRule"}

HELMS = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
    "error-budget-exporter/replica",
    "checksum/config",
}
"""Labels and annotations by which helm and the chart tell releases and versions apart."""


def without_helms(value: Any) -> Any:
    """A manifest without what only helm has, and what it says of defaults."""
    if isinstance(value, list):
        return [without_helms(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: without_helms(each) for key, each in value.items() if key not in HELMS}
    return {key: each for key, each in kept.items() if (key, each) != ("annotations", {})}


class TestDefaults:
    """With the values that the chart brings it deploys what deploy/kubernetes does."""

    def test_nothing_is_missing_or_more(self):
        """Kinds and names."""
        resources = read(KUBERNETES / "kustomization.yaml")["resources"]
        theirs = [read(KUBERNETES / name) for name in resources]
        assert sorted((each["kind"], each["metadata"]["name"]) for each in render()) == sorted(
            [*((each["kind"], each["metadata"]["name"]) for each in theirs), ("ConfigMap", JOB)]
        )

    @pytest.mark.parametrize(
        "name",
        ["service", "service-web", "poddisruptionbudget", "servicemonitor", "prometheusrule"],
    )
    def test_they_mean_the_same(self, name):
        """But for what only helm has, and the label that the kustomization adds."""
        theirs = read(KUBERNETES / f"{name}.yaml")
        (ours,) = [
            each
            for each in render()
            if (each["kind"], each["metadata"]["name"])
            == (theirs["kind"], theirs["metadata"]["name"])
        ]
        ours = without_helms(ours)
        del ours["metadata"]["namespace"]
        if theirs["kind"] in OPERATORS:
            (patch,) = yaml.safe_load(
                read(KUBERNETES / "kustomization.yaml")["patches"][0]["patch"]
            )
            assert ours["metadata"]["labels"].pop("release") == patch["value"]
        if name == "service-web":
            assert ours["spec"].pop("type") == "ClusterIP"
        assert ours == theirs

    def test_the_pods_mean_the_same(self):
        """But for what is said of defaults."""
        ours = without_helms(find_kind(render(), "StatefulSet"))
        theirs = read(KUBERNETES / "statefulset.yaml")
        del ours["metadata"]["namespace"]
        retained = ours["spec"].pop("persistentVolumeClaimRetentionPolicy")
        assert set(retained.values()) == {"Retain"}
        (pod,) = ours["spec"]["template"]["spec"]["containers"]
        assert pod.pop("imagePullPolicy") == "IfNotPresent"
        assert pod["args"].pop() == "--log.format=logfmt"
        assert pod["args"].pop() == "--log.level=info"
        (image,) = read(KUBERNETES / "kustomization.yaml")["images"]
        theirs["spec"]["template"]["spec"]["containers"][0]["image"] = (
            f"{image['newName']}:{image['newTag']}"
        )
        assert ours == theirs

    def test_the_configuration_is_the_same(self):
        """As data; it loads."""
        text = find_kind(render(), "ConfigMap")["data"]["config.yaml"]
        assert yaml.safe_load(text) == read(KUBERNETES / "config.yaml")
        assert load(text, KUBERNETES / "config.yaml").slos


class TestConfiguration:
    def test_a_change_of_it_restarts_the_pods(self):
        """By an annotation that is another."""
        sums = set()
        for values in (
            {},
            {"configFiles": {"a": "b"}},
            {"config": {"evaluation": {"interval": "30s"}}},
        ):
            template = find_kind(render(values), "StatefulSet")["spec"]["template"]
            sums.add(template["metadata"]["annotations"]["checksum/config"])
        assert len(sums) == 3

    def test_files_lie_beside_it(self):
        """Such as those that `slo_files` names."""
        assert find_kind(render(FITTED), "ConfigMap")["data"]["more.yaml"] == "slos: []\n"

    def test_a_config_map_of_ones_own_is_mounted(self):
        """And none is made."""
        manifests = render(PLAIN)
        assert not [each for each in manifests if each["kind"] == "ConfigMap"]
        pod = find_kind(manifests, "StatefulSet")["spec"]["template"]["spec"]
        assert {"name": "config", "configMap": {"name": "mine"}} in pod["volumes"]

    def test_templates_in_it_stay_as_they_are(self):
        """Neither `{{` nor quotes nor line ends mean anything to helm."""
        text = "{{ $labels.x }} \"a\" 'b' \\ $(c)\n# d"
        values = {"config": {"slos": [{"description": text}]}, "configFiles": {"x": text}}
        data = find_kind(render(values), "ConfigMap")["data"]
        assert data["x"] == text
        assert yaml.safe_load(data["config.yaml"])["slos"][0]["description"] == text


class TestStore:
    def test_postgresql_is_in_the_configuration_and_no_volume_is_left(self):
        """The flag would go before the configuration, and a folder would be the store."""
        manifests = render(SHARED)
        text = find_kind(manifests, "ConfigMap")["data"]["config.yaml"]
        assert yaml.safe_load(text)["storage"] == {"url_file": f"{SECRETS}/postgres"}
        pod = container(manifests)
        assert not [each for each in pod["args"] if each.startswith("--storage.path")]
        assert "volumeClaimTemplates" not in find_kind(manifests, "StatefulSet")["spec"]
        assert "ledger" not in {each["name"] for each in pod["volumeMounts"]}

    def test_the_secret_is_made_and_has_to_be_there(self):
        """Without it a pod would start on nothing."""
        manifests = render(SHARED)
        assert find_kind(manifests, "Secret")["metadata"]["name"] == JOB
        volumes = find_kind(manifests, "StatefulSet")["spec"]["template"]["spec"]["volumes"]
        assert {"name": "secrets", "secret": {"secretName": JOB, "optional": False}} in volumes

    def test_without_a_volume_it_is_the_pods_own(self):
        """What the daemon writes to has to be there: the root is read-only."""
        spec = find_kind(render(FITTED), "StatefulSet")["spec"]
        assert "volumeClaimTemplates" not in spec
        assert {"name": "ledger", "emptyDir": {}} in spec["template"]["spec"]["volumes"]


class TestShards:
    def test_every_replica_of_all_shards_is_a_stateful_set(self):
        """Whose pods' numbers are the shards'; they select different pods."""
        sets = [each for each in render(SHARDED) if each["kind"] == "StatefulSet"]
        assert [each["metadata"]["name"] for each in sets] == [JOB, f"{JOB}-r1"]
        assert [each["spec"]["replicas"] for each in sets] == [3, 3]
        selectors = [each["spec"]["selector"]["matchLabels"] for each in sets]
        assert selectors[0] != selectors[1]
        for each, selector in zip(sets, selectors, strict=True):
            assert selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()

    def test_each_shard_is_found_by_the_others(self):
        """A Service for each, which the template names, and which is not scraped again."""
        manifests = render(SHARDED)
        flags = dict(each.split("=", 1) for each in container(manifests)["args"] if "=" in each)
        assert (flags["--pod"], flags["--total-shards"]) == ("$(POD_NAME)", "3")
        template = flags["--web.shard-url-template"]
        assert is_template(template)
        services = {
            each["metadata"]["name"]: each for each in manifests if each["kind"] == "Service"
        }
        scraped = find_kind(manifests, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
        for shard in range(3):
            name = f"{JOB}-shard-{shard}"
            assert template.format(shard=shard) == f"http://{name}.{NAMESPACE}.svc:9098"
            service = services[name]
            assert service["spec"]["selector"]["apps.kubernetes.io/pod-index"] == str(shard)
            assert not scraped.items() <= service["metadata"]["labels"].items()

    def test_a_release_may_become_sharded(self):
        """A StatefulSet's selector cannot be changed: the first one keeps its own."""
        first = next(each for each in render(SHARDED) if each["kind"] == "StatefulSet")
        alone = find_kind(render(), "StatefulSet")
        assert first["spec"]["selector"] == alone["spec"]["selector"]
        assert first["spec"]["serviceName"] == alone["spec"]["serviceName"]

    def test_one_shard_knows_nothing_of_shards(self):
        """It has no number and no other to ask."""
        assert not [each for each in container(render())["args"] if "shard" in each]


class TestWeb:
    def test_tls_and_users_are_everywhere(self):
        """Probes, shards and Prometheus use https, and the daemon has the file."""
        manifests = render({**SHARDED, **SECURED})
        pod = container(manifests)
        assert {
            pod[f"{name}Probe"]["httpGet"]["scheme"]
            for name in ("startup", "liveness", "readiness")
        } == {"HTTPS"}
        assert f"--web.config.file={SECRETS}/web.yaml" in pod["args"]
        assert f"--web.shard-ca-file={SECRETS}/ca.crt" in pod["args"]
        assert "--web.trust-loopback" not in pod["args"]
        (endpoint,) = find_kind(manifests, "ServiceMonitor")["spec"]["endpoints"]
        assert endpoint["scheme"] == "https"
        assert endpoint["tlsConfig"]["ca"] == {"secret": {"name": JOB, "key": "ca.crt"}}
        assert endpoint["basicAuth"] == {"username": {"name": "a", "key": "b"}}

    def test_pipelines_with_a_password_are_let_in_by_the_services_name(self):
        """Requests that change state have to name the exporter as it is known."""
        arguments = container(render(SECURED))["args"]
        assert f"--web.allowed-hosts=*.{NAMESPACE}.svc" in arguments

    def test_people_come_by_the_ingress(self):
        """To any replica that is ready; what they may change they may by that name, too."""
        manifests = render(OPEN)
        (rule,) = find_kind(manifests, "Ingress")["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert path["backend"]["service"] == {"name": f"{JOB}-web", "port": {"name": "http"}}
        assert f"--web.allowed-hosts={rule['host']}" in container(manifests)["args"]


def test_the_network_is_closed_as_by_the_component():
    """And open for what the values name."""
    theirs = read(KUBERNETES.with_name("kubernetes-networkpolicy") / "networkpolicy.yaml")
    ours = without_helms(find_kind(render({"networkPolicy": {"enabled": True}}), "NetworkPolicy"))
    assert ours["spec"] == theirs["spec"]
    spec = find_kind(render(OPEN), "NetworkPolicy")["spec"]
    assert OPEN["networkPolicy"]["egress"][0] in spec["egress"]
    assert OPEN["networkPolicy"]["ingressFrom"][0] in spec["ingress"][0]["from"]


def test_a_release_of_another_name_is_scraped_by_the_same_job():
    """The rules look for it, whatever the release is called."""
    manifests = render(release="slo")
    monitor = find_kind(manifests, "ServiceMonitor")
    label = monitor["spec"]["jobLabel"]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    (scraped,) = [
        each["metadata"]["labels"]
        for each in manifests
        if each["kind"] == "Service" and wanted.items() <= each["metadata"]["labels"].items()
    ]
    assert scraped[label] == JOB
    assert monitor["metadata"]["name"] == f"slo-{JOB}"

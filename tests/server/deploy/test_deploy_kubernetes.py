"""The Kubernetes manifests, as far as they can be judged without a cluster."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from exporter.config.reading.loading import load_file
from tests.helpers.deploy.deployed import CONFIG, JOB, KUBERNETES, STORAGE, read

OLDEST, NEWEST = "1.28", kubernetes_validate.latest_version()
"""The releases of Kubernetes between which the manifests are valid."""

KUSTOMIZATION = read(KUBERNETES / "kustomization.yaml")
WEB = "Service for clients"
MANIFESTS = {
    manifest["kind"] if manifest["metadata"]["name"] == JOB else WEB: manifest
    for manifest in (read(KUBERNETES / name) for name in KUSTOMIZATION["resources"])
}
CLOSING = KUBERNETES.with_name("kubernetes-networkpolicy")
MANIFESTS["NetworkPolicy"] = read(CLOSING / "networkpolicy.yaml")
OPERATORS = {"ServiceMonitor", "PrometheusRule"}
LABELS = {"app.kubernetes.io/name": JOB}

SPEC = MANIFESTS["StatefulSet"]["spec"]
POD = SPEC["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
@pytest.mark.parametrize("kind", sorted(MANIFESTS.keys() - OPERATORS))
def test_it_follows_kubernetes_own_schema(kind, release):
    """Unknown fields are refused, which a cluster drops in silence."""
    kubernetes_validate.validate(MANIFESTS[kind], release, strict=True)


def test_every_file_is_part_of_it():
    """A manifest that the kustomization does not name would never be applied."""
    files = {path.name for path in KUBERNETES.iterdir()}
    assert files - {"kustomization.yaml", "config.yaml"} == set(KUSTOMIZATION["resources"])
    component = read(CLOSING / "kustomization.yaml")
    assert component["kind"] == "Component"
    files = {path.name for path in CLOSING.iterdir()}
    assert files - {"kustomization.yaml"} == set(component["resources"])
    assert MANIFESTS.keys() - OPERATORS == {
        "StatefulSet",
        "Service",
        WEB,
        "PodDisruptionBudget",
        "NetworkPolicy",
    }


@pytest.mark.parametrize("kind", sorted(MANIFESTS.keys() - {WEB}))
def test_it_is_found_by_name_and_label(kind):
    """All of them are called alike."""
    assert MANIFESTS[kind]["metadata"] == {"name": JOB, "labels": LABELS}


class TestPods:
    def test_are_found_by_all_that_look_for_them(self):
        """The labels of the pods are those that everything else selects."""
        assert SPEC["template"]["metadata"]["labels"] == LABELS
        (spread,) = POD["topologySpreadConstraints"]
        network = MANIFESTS["NetworkPolicy"]["spec"]
        assert [
            SPEC["selector"]["matchLabels"],
            spread["labelSelector"]["matchLabels"],
            MANIFESTS["Service"]["spec"]["selector"],
            MANIFESTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
            network["podSelector"]["matchLabels"],
            MANIFESTS["ServiceMonitor"]["spec"]["selector"]["matchLabels"],
        ] == [LABELS] * 6

    def test_are_two_of_which_one_may_go(self):
        """Highly available, also while nodes are drained."""
        assert SPEC["replicas"] == 2
        budget = MANIFESTS["PodDisruptionBudget"]["spec"]
        assert budget["maxUnavailable"] == 1
        # Those that are not ready, since their Prometheus is away, keep no node from its upgrade.
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"

    def test_may_do_nothing(self):
        """The restricted level of Kubernetes's pod security standards, and a read-only root."""
        assert POD["securityContext"]["runAsNonRoot"] is True
        assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert CONTAINER["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert POD["automountServiceAccountToken"] is False

    def test_run_as_the_image_does(self):
        """The same user, which the volume is given to."""
        (user,) = re.findall(r"^USER (\d+):\d+$", dockerfile(), re.MULTILINE)
        context = POD["securityContext"]
        assert [context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")] == [int(user)] * 3

    def test_write_to_their_own_volume(self):
        """A claim for each, so that no two share a ledger; the configuration is read-only."""
        (claim,) = SPEC["volumeClaimTemplates"]
        assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
        mounted = {mount["mountPath"]: mount for mount in CONTAINER["volumeMounts"]}
        assert mounted[STORAGE]["name"] == claim["metadata"]["name"]
        assert mounted[CONFIG] == {"name": "config", "mountPath": CONFIG, "readOnly": True}
        there = {volume["name"] for volume in POD["volumes"]} | {claim["metadata"]["name"]}
        assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == there

    def test_start_what_the_image_starts(self):
        """The image's own arguments, written out; those who may exec may override."""
        *own, trusting, probed = CONTAINER["args"]
        assert (trusting, probed) == ("--web.trust-loopback", "--web.open-probes")
        arguments = ", ".join(f'"{argument}"' for argument in own)
        assert f"\nCMD [{arguments}]" in dockerfile()

    def test_are_asked_whether_they_live_and_whether_they_are_ready(self):
        """Two questions: one that is not ready is not restarted."""
        paths = {
            name: CONTAINER[f"{name}Probe"]["httpGet"]["path"]
            for name in ("startup", "liveness", "readiness")
        }
        assert paths == {
            "startup": "/-/healthy",
            "liveness": "/-/healthy",
            "readiness": "/-/ready",
        }

    def test_may_be_given_secrets(self):
        """In files that are there only if somebody has made them; nothing else writes there."""
        (secrets,) = [volume["secret"] for volume in POD["volumes"] if "secret" in volume]
        assert secrets == {"secretName": JOB, "optional": True}
        (mount,) = [each for each in CONTAINER["volumeMounts"] if each["name"] == "secrets"]
        assert mount["readOnly"] is True
        # What the comments name lies there.
        text = (KUBERNETES / "statefulset.yaml").read_text()
        assert f"# - --web.config.file={mount['mountPath']}/web.yaml" in text
        assert f"# and name the files in config.yaml: password_file: {mount['mountPath']}/" in text

    def test_have_their_share_of_the_machine(self):
        """Memory is limited, CPU is not: a throttled evaluation is a late alert."""
        assert CONTAINER["resources"]["requests"].keys() == {"cpu", "memory"}
        assert CONTAINER["resources"]["limits"].keys() == {"memory"}


def dockerfile() -> str:
    """What the image is built from."""
    return (KUBERNETES / "../../Dockerfile").read_text()


def test_ports_have_one_name():
    """Container, Service, ServiceMonitor, probes and NetworkPolicy mean the same port."""
    (port,) = CONTAINER["ports"]
    assert port == {"name": "http", "containerPort": 9098}
    (service,) = MANIFESTS["Service"]["spec"]["ports"]
    (endpoint,) = MANIFESTS["ServiceMonitor"]["spec"]["endpoints"]
    (ingress,) = MANIFESTS["NetworkPolicy"]["spec"]["ingress"]
    assert service["port"] == port["containerPort"]
    assert {
        service["name"],
        service["targetPort"],
        endpoint["port"],
        *(rule["port"] for rule in ingress["ports"]),
        *(
            CONTAINER[f"{name}Probe"]["httpGet"]["port"]
            for name in ("startup", "liveness", "readiness")
        ),
    } == {"http"}


def test_clients_have_one_address():
    """That of any replica, and the same one for as long as it is there. It is not scraped again."""
    web, scraped = MANIFESTS[WEB], MANIFESTS["Service"]
    assert "clusterIP" not in web["spec"]
    assert web["spec"]["sessionAffinity"] == "ClientIP"
    assert web["spec"]["selector"] == scraped["spec"]["selector"]
    assert web["spec"]["ports"] == scraped["spec"]["ports"]
    wanted = MANIFESTS["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert not wanted.items() <= web["metadata"]["labels"].items()


def test_each_replica_has_an_address():
    """Prometheus must reach both, so the Service does not choose between them."""
    assert MANIFESTS["Service"]["spec"]["clusterIP"] == "None"
    assert SPEC["serviceName"] == MANIFESTS["Service"]["metadata"]["name"]


def test_the_configuration_is_valid_and_mounted():
    """The ConfigMap is made of config.yaml, under the name that the pods mount."""
    assert load_file(KUBERNETES / "config.yaml").slos
    (generator,) = KUSTOMIZATION["configMapGenerator"]
    assert generator["files"] == ["config.yaml"]
    (volume,) = [volume for volume in POD["volumes"] if volume["name"] == "config"]
    assert volume["configMap"]["name"] == generator["name"]


def test_the_image_is_replaced_by_the_pushed_one():
    """The name in the StatefulSet is the one that the kustomization looks for."""
    (image,) = KUSTOMIZATION["images"]
    assert image["name"] == CONTAINER["image"]
    assert image["newTag"] == version("error-budget-exporter")


def test_prometheus_may_be_asked():
    """The policy lets out what the configuration needs: its datasource, and names."""
    url = urlsplit(read(KUBERNETES / "config.yaml")["prometheus"]["url"])
    egress = MANIFESTS["NetworkPolicy"]["spec"]["egress"]
    assert {port["port"] for rule in egress for port in rule["ports"]} == {url.port, 53, "http"}
    assert str(url.hostname).split(".")[1] == KUSTOMIZATION["namespace"]


def test_shards_may_reach_each_other():
    """They lead requests to where the service is."""
    egress = MANIFESTS["NetworkPolicy"]["spec"]["egress"]
    (each,) = [rule for rule in egress if rule["ports"][0]["port"] == "http"]
    assert each["to"] == [{"podSelector": {"matchLabels": LABELS}}]


class TestServiceMonitor:
    """As the Prometheus Operator's CRD (monitoring.coreos.com/v1) defines it."""

    def test_leaves_the_exporters_labels_alone(self):
        """`service` is the exporter's own label, and the operator sets one of that name."""
        monitor = MANIFESTS["ServiceMonitor"]
        assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
        assert monitor["spec"].keys() == {"jobLabel", "selector", "endpoints"}
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["honorLabels"] is True
        assert endpoint.keys() == {"port", "path", "interval", "honorLabels"}

    def test_names_the_job_that_the_rules_look_for(self):
        """The job is the value of that label of the Service."""
        label = MANIFESTS["ServiceMonitor"]["spec"]["jobLabel"]
        assert MANIFESTS["Service"]["metadata"]["labels"][label] == JOB


class TestBuilt:
    """What `kubectl apply -k` would apply; without kubectl nobody can tell."""

    def build(self, folder: Path) -> list[dict]:
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            pytest.skip("kubectl is not installed")
        command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)]
        built = subprocess.run(command, capture_output=True, text=True, check=True)
        return list(yaml.safe_load_all(built.stdout))

    def test_the_operators_objects_have_the_label_of_their_prometheus(self):
        """kube-prometheus-stack loads no others."""
        labelled = {
            each["kind"]
            for each in self.build(KUBERNETES)
            if "release" in each["metadata"]["labels"]
        }
        assert labelled == OPERATORS

    def test_the_network_is_closed_for_who_asks_for_it(self, tmp_path):
        """By the kustomization that the component's comment gives."""
        comment = (CLOSING / "kustomization.yaml").read_text().partition("of your own:")[2]
        own = [line.removeprefix("#   ") for line in comment.splitlines() if line[:4] == "#   "]
        text = "\n".join(own).replace("../", os.path.relpath(KUBERNETES.parent, tmp_path) + "/")
        (tmp_path / "kustomization.yaml").write_text(text)
        (policy,) = [each for each in self.build(tmp_path) if each["kind"] == "NetworkPolicy"]
        assert policy["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
        assert all(each["kind"] != "NetworkPolicy" for each in self.build(KUBERNETES))


class TestRestoring:
    """The pod that has a replica's volume while a backup is put there."""

    RESTORE = read(KUBERNETES.with_name("kubernetes-restore") / "pod.yaml")

    @pytest.mark.parametrize("release", [OLDEST, NEWEST])
    def test_follows_kubernetes_own_schema(self, release):
        """Unknown fields are refused."""
        kubernetes_validate.validate(self.RESTORE, release, strict=True)

    def test_writes_where_the_replica_reads_as_the_same_user(self):
        """And is no more allowed than that."""
        spec = self.RESTORE["spec"]
        (container,) = spec["containers"]
        (claim,) = SPEC["volumeClaimTemplates"]
        (volume,) = spec["volumes"]
        assert (
            volume["persistentVolumeClaim"]["claimName"] == f"{claim['metadata']['name']}-{JOB}-0"
        )
        assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": STORAGE}]
        assert spec["securityContext"] == POD["securityContext"]
        assert container["securityContext"] == CONTAINER["securityContext"]

    def test_has_the_image_of_the_others(self):
        """Of the same version, and no Service takes it for a replica."""
        (image,) = KUSTOMIZATION["images"]
        (container,) = self.RESTORE["spec"]["containers"]
        assert container["image"] == f"{image['newName']}:{image['newTag']}"
        assert self.RESTORE["metadata"]["labels"] != LABELS

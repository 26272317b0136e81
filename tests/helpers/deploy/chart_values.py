"""Sets of values for the Helm chart."""

from __future__ import annotations

SECURED = {
    "web": {"configKey": "web.yaml", "tls": True, "caKey": "ca.crt", "trustLoopback": False},
    "serviceMonitor": {"basicAuth": {"username": {"name": "a", "key": "b"}}},
}


SHARED = {
    "store": {"postgresql": {"urlKey": "postgres"}},
    "secret": {"data": {"postgres": "postgresql://db.example.com/slo"}},
}


SHARDED = {**SHARED, "shards": 3}


OPEN = {
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "hosts": ["slo.example.com"],
        "tls": [{"secretName": "a", "hosts": ["slo.example.com"]}],
    },
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {}}],
        "egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}],
    },
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
}


FITTED = {
    "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": [{"name": "a"}]},
    "configFiles": {"more.yaml": "slos: []\n"},
    "store": {"persistence": {"enabled": False}},
    "podLabels": {"team": "sre"},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "priorityClassName": "high",
    "extraArgs": ["--config.auto-reload-interval=30s"],
}


PLAIN = {
    "podDisruptionBudget": {"enabled": False},
    "serviceMonitor": {"enabled": False},
    "prometheusRule": {"enabled": False},
    "existingConfigMap": "mine",
    "replicas": 1,
}


SETS = {
    "default": {},
    "secured": SECURED,
    "shared": SHARED,
    "sharded": SHARDED,
    "all of it": {**SHARDED, **SECURED, **OPEN},
    "open": OPEN,
    "fitted": FITTED,
    "plain": PLAIN,
}

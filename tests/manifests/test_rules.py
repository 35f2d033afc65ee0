"""What the rendered manifests promise each other and the server; each rule finds a fault that is planted."""

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Objects = list[dict[str, Any]]

DRAIN_S = 10
"""How long the server waits for requests under way (test_server.py ties it to the server)."""

ROUTES = {"/healthz", "/readyz"}
"""Probes of the server (test_server.py asks a running one)."""

WRITERS_OF_REPLICAS = "HorizontalPodAutoscaler"


def one(objects: Objects, kind: str, name: str = "server") -> dict[str, Any]:
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and specification of each pod that would run."""
    for o in objects:
        if o["kind"] == "Deployment":
            yield o["metadata"]["name"], o["spec"]["template"]["spec"]
        elif o["kind"] == "CronJob":
            yield o["metadata"]["name"], o["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def boxes(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def server(objects: Objects) -> dict[str, Any]:
    (box,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(box, dict)
    return box


def drained_in_time(objects: Objects) -> bool:
    grace = one(objects, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    wait = server(objects)["lifecycle"]["preStop"]["sleep"]["seconds"]
    attributes = one(objects, "Ingress")["metadata"]["annotations"]["alb.ingress.kubernetes.io/target-group-attributes"]
    delay = int(attributes.rpartition("=")[2])
    return bool(wait + DRAIN_S < grace and delay <= wait)


def no_downtime(objects: Objects) -> bool:
    rollout = one(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"]
    return bool(rollout["maxUnavailable"] == 0 and rollout["maxSurge"] >= 1)


def eviction_possible(objects: Objects) -> bool:
    return bool(
        one(objects, "HorizontalPodAutoscaler")["spec"]["minReplicas"]
        > one(objects, "PodDisruptionBudget")["spec"]["minAvailable"]
        >= 1
    )


def autoscaler_is_alone(objects: Objects) -> bool:
    target = one(objects, WRITERS_OF_REPLICAS)["spec"]["scaleTargetRef"]["name"]
    return "replicas" not in one(objects, "Deployment", target)["spec"]


def scales_on_both(objects: Objects) -> bool:
    scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
    names = {metric["containerResource"]["name"] for metric in scaler["metrics"]}
    meant = {metric["containerResource"]["container"] for metric in scaler["metrics"]}
    requests = server(objects)["resources"]["requests"]
    return (
        meant == {"server"}
        and names == {"cpu", "memory"} == set(requests)
        and scaler["minReplicas"] == 2 < scaler["maxReplicas"] <= 10
    )


def probes_are_routes(objects: Objects) -> bool:
    box = server(objects)
    paths = [box[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    balancer = one(objects, "Ingress")["metadata"]["annotations"]["alb.ingress.kubernetes.io/healthcheck-path"]
    return paths == ["/healthz", "/healthz", "/readyz"] and balancer == "/readyz" and {*paths, balancer} <= ROUTES


def ports_agree(objects: Objects) -> bool:
    box = server(objects)
    (port,) = box["ports"]
    (served,) = one(objects, "Service")["spec"]["ports"]
    given = box["args"][box["args"].index("--port") + 1]
    probes = {box[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness", "readiness")}
    (rule,) = one(objects, "Ingress")["spec"]["rules"]
    behind = rule["http"]["paths"][0]["backend"]["service"]
    (allowed,) = one(objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"]
    names = {served["targetPort"], behind["port"]["name"], allowed["port"], *probes}
    return names == {port["name"]} and given == str(port["containerPort"]) == "8080"


def selectors_meet(objects: Objects) -> bool:
    labels = one(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    return all(
        selector.items() <= labels
        for selector in (
            one(objects, "Deployment")["spec"]["selector"]["matchLabels"],
            one(objects, "Service")["spec"]["selector"],
            one(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
            one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        )
    )


def restricted(objects: Objects) -> bool:
    """The profile `restricted` of the Pod Security Standards, and a root that cannot be written to."""
    enforced = one(objects, "Namespace", "retail-forecast")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    return enforced == "restricted" and all(
        pod["securityContext"]["runAsNonRoot"] is True
        and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        and pod["automountServiceAccountToken"] is False
        and box["securityContext"]["allowPrivilegeEscalation"] is False
        and box["securityContext"]["readOnlyRootFilesystem"] is True
        and box["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        and "limits" in box["resources"]
        for _, pod in pods(objects)
        for box in boxes(pod)
    )


def everything_named_exists(objects: Objects) -> bool:
    def names(kind: str) -> set[str]:
        return {o["metadata"]["name"] for o in objects if o["kind"] == kind}

    maps = {e["configMapRef"]["name"] for _, p in pods(objects) for b in boxes(p) for e in b["envFrom"]}
    maps |= {v["configMap"]["name"] for _, p in pods(objects) for v in p["volumes"] if "configMap" in v}
    mounts = all(
        {m["name"] for m in b["volumeMounts"]} <= {v["name"] for v in p["volumes"]}
        for _, p in pods(objects)
        for b in boxes(p)
    )
    accounts = {p["serviceAccountName"] for _, p in pods(objects)}
    return mounts and maps == names("ConfigMap") and accounts == names("ServiceAccount")


def roles_are_given(objects: Objects) -> bool:
    accounts = [o for o in objects if o["kind"] == "ServiceAccount"]
    return bool(accounts) and all("eks.amazonaws.com/role-arn" in a["metadata"]["annotations"] for a in accounts)


def only_tls_from_outside(objects: Objects) -> bool:
    told = one(objects, "Ingress")["metadata"]["annotations"]
    return bool(
        told["alb.ingress.kubernetes.io/ssl-redirect"] == "443"
        and "TLS13" in told["alb.ingress.kubernetes.io/ssl-policy"]
        and "alb.ingress.kubernetes.io/certificate-arn" in told
    )


def denied_by_default(objects: Objects) -> bool:
    policy = one(objects, "NetworkPolicy", "deny-all")["spec"]
    return policy["podSelector"] == {} and policy["policyTypes"] == ["Ingress", "Egress"] and len(policy) == 2


def what_is_kept_lies_in_stores(objects: Objects) -> bool:
    """No pod has a disk that outlives it; the settings say where everything lies instead."""
    kinds = {kind for _, p in pods(objects) for v in p["volumes"] for kind in set(v) - {"name"}}
    told = one(objects, "ConfigMap", "settings")["data"]
    places = [told.get(f"RETAIL_FORECAST_{name}__URI", "") for name in ("LAKE", "REGISTRY")]
    places.append(told["RETAIL_FORECAST_LAKE__PREDICTIONS_URI"])
    return (
        kinds == {"configMap", "emptyDir", "secret"}
        and not [o for o in objects if o["kind"].startswith("PersistentVolume")]
        and all(place.startswith("s3://") for place in places)
        and told["RETAIL_FORECAST_FEATURES__ONLINE"].startswith("dynamodb://")
    )


def batch_asks_by_name(objects: Objects) -> bool:
    service = one(objects, "Service")
    address = f"http://{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local/"
    (first,) = one(objects, "CronJob", "batch")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["initContainers"]
    return service["spec"]["type"] == "ClusterIP" and address in first["args"][0]


def images_are_fixed(objects: Objects) -> bool:
    return all(re.search(r"@sha256:[0-9a-f]{64}$", b["image"]) for _, p in pods(objects) for b in boxes(p))


def spot_is_borne(objects: Objects) -> bool:
    jobs = [o["spec"]["jobTemplate"]["spec"] for o in objects if o["kind"] == "CronJob"]
    on_spot = [job for job in jobs if job["template"]["spec"]["nodeSelector"]["retail-forecast/nodes"] == "jobs"]
    return len(on_spot) == 3 and all(
        job["podFailurePolicy"]["rules"][0]["action"] == "Ignore"
        and job["template"]["spec"]["tolerations"][0]["key"] == "retail-forecast/spot"
        for job in on_spot
    )


def keys_are_asked_for(objects: Objects) -> bool:
    file = one(objects, "ConfigMap", "settings")["data"]["RETAIL_FORECAST_SERVER__API_KEYS"]
    mounts = {m["mountPath"] for m in server(objects)["volumeMounts"] if m["name"] == "keys" and m["readOnly"]}
    return str(Path(file).parent) in mounts


Rule = Callable[[Objects], bool]
Fault = Callable[[Objects], Any]


def _set(path: Callable[[Objects], dict[str, Any]], key: str, value: object) -> Fault:
    return lambda objects: path(objects).__setitem__(key, value)


def _pod(objects: Objects) -> dict[str, Any]:
    template: dict[str, Any] = one(objects, "Deployment")["spec"]["template"]["spec"]
    return template


def _job(objects: Objects) -> dict[str, Any]:
    job: dict[str, Any] = one(objects, "CronJob", "etl")["spec"]["jobTemplate"]["spec"]
    return job


def _told(objects: Objects) -> dict[str, Any]:
    annotations: dict[str, Any] = one(objects, "Ingress")["metadata"]["annotations"]
    return annotations


RULES: dict[Rule, Fault] = {
    drained_in_time: _set(_pod, "terminationGracePeriodSeconds", 30),
    no_downtime: _set(lambda o: one(o, "Deployment")["spec"]["strategy"]["rollingUpdate"], "maxUnavailable", 1),
    eviction_possible: _set(lambda o: one(o, "PodDisruptionBudget")["spec"], "minAvailable", 2),
    autoscaler_is_alone: _set(lambda o: one(o, "Deployment")["spec"], "replicas", 2),
    scales_on_both: lambda o: one(o, "HorizontalPodAutoscaler")["spec"]["metrics"].pop(),
    probes_are_routes: _set(_told, "alb.ingress.kubernetes.io/healthcheck-path", "/"),
    ports_agree: _set(lambda o: server(o)["ports"][0], "containerPort", 8000),
    selectors_meet: _set(lambda o: one(o, "Service")["spec"], "selector", {"app.kubernetes.io/name": "api"}),
    restricted: _set(lambda o: server(o)["securityContext"], "readOnlyRootFilesystem", False),
    everything_named_exists: _set(_pod, "serviceAccountName", "api"),
    roles_are_given: lambda o: one(o, "ServiceAccount")["metadata"]["annotations"].clear(),
    only_tls_from_outside: lambda o: _told(o).pop("alb.ingress.kubernetes.io/certificate-arn"),
    denied_by_default: _set(lambda o: one(o, "NetworkPolicy", "deny-all")["spec"], "ingress", [{}]),
    what_is_kept_lies_in_stores: lambda o: one(o, "ConfigMap", "settings")["data"].pop("RETAIL_FORECAST_REGISTRY__URI"),
    batch_asks_by_name: _set(lambda o: one(o, "Service")["spec"], "type", "NodePort"),
    images_are_fixed: _set(server, "image", "retail-forecast-server:latest"),
    keys_are_asked_for: lambda o: server(o)["volumeMounts"].pop(-2),
    spot_is_borne: lambda o: _job(o)["podFailurePolicy"]["rules"].pop(0),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule, objects: Objects) -> None:
    assert rule(objects)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_planted_fault_is_caught(rule: Rule, objects: Objects) -> None:
    faulty = copy.deepcopy(objects)
    RULES[rule](faulty)
    assert not rule(faulty)


def test_the_files_that_the_specification_names_are_there() -> None:
    folder = Path(__file__).parents[2] / "aws/k8s"
    assert {"deployment.yaml", "service.yaml", "hpa.yaml", "namespace.yaml"} <= {f.name for f in folder.iterdir()}

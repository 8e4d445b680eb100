"""The kinds that sequences are made of: where they are served, and a valid object of each with parts that vary."""

LABELS = [{"app": "a"}, {"app": "b", "tier": "x"}, {"tier": "y"}, {}]


def container(rng, name="c"):
    one = {"name": name, "image": rng.choice(["nginx", "nginx:1.2", "registry:5000/a@sha256:" + "a" * 64])}
    if rng.random() < 0.5:
        one["ports"] = [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}][: rng.randint(1, 2)]
    if rng.random() < 0.4:
        one["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": rng.choice(["1", "0.5"]), "memory": "1Gi"}}
    if rng.random() < 0.4:
        one["env"] = [{"name": "A", "value": "b"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                      {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}}][: rng.randint(1, 3)]
    if rng.random() < 0.3:
        handler = rng.choice([{"httpGet": {"path": "/", "port": 80}}, {"tcpSocket": {"port": "http"}}, {"exec": {"command": ["true"]}}])
        one[rng.choice(["livenessProbe", "readinessProbe", "startupProbe"])] = dict(handler, periodSeconds=5)
    if rng.random() < 0.2:
        one["command"] = ["sh", "-c", "true"]
    if rng.random() < 0.2:
        one["securityContext"] = {"runAsUser": 1000, "readOnlyRootFilesystem": True}
    return one


def pod_spec(rng):
    spec = {"containers": [container(rng)]}
    if rng.random() < 0.2:
        spec["containers"].append(container(rng, "second"))
    if rng.random() < 0.2:
        spec["initContainers"] = [container(rng, "init")]
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"]:
            spec["initContainers"][0].pop(probe, None)
    if rng.random() < 0.3:
        spec["volumes"] = [{"name": "v", "emptyDir": {}}, {"name": "cfg", "configMap": {"name": "a"}}, {"name": "s", "secret": {"secretName": "a"}},
                           {"name": "p", "persistentVolumeClaim": {"claimName": "a"}}][: rng.randint(1, 4)]
        spec["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    if rng.random() < 0.2:
        spec["tolerations"] = [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}]
    if rng.random() < 0.2:
        spec["nodeSelector"] = {"disk": "ssd"}
    if rng.random() < 0.2:
        spec["terminationGracePeriodSeconds"] = 5
    if rng.random() < 0.1:
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}}]}}
    if rng.random() < 0.1:
        spec["topologySpreadConstraints"] = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "a"}}}]
    if rng.random() < 0.1:
        spec["serviceAccountName"] = "default"
    if rng.random() < 0.1:
        spec["imagePullSecrets"] = [{"name": "pull"}]
    return spec


def template(rng, restart=None):
    spec = pod_spec(rng)
    if restart:
        spec["restartPolicy"] = restart
    return {"metadata": {"labels": {"app": "a"}}, "spec": spec}


def workload(rng):
    return {"selector": {"matchLabels": {"app": "a"}}, "template": template(rng)}


def configmap(rng, _):
    body = {"data": {"k": "v", "x.y": "1"}}
    if rng.random() < 0.2:
        body["binaryData"] = {"b": "AAE="}
    if rng.random() < 0.1:
        body["immutable"] = True
    return body


def secret(rng, _):
    return rng.choice([{"data": {"k": "dg=="}}, {"stringData": {"k": "v"}, "type": "example.com/x"},
                       {"type": "kubernetes.io/basic-auth", "stringData": {"username": "u", "password": "p"}},
                       {"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}},
                       {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}}])


def service(rng, _):
    spec = {"selector": {"app": "a"}, "ports": [{"port": 80, "name": "http", "targetPort": rng.choice([8080, "http"])}]}
    if rng.random() < 0.3:
        spec["ports"].append({"port": 53, "protocol": "UDP", "name": "dns"})
    kind = rng.choice(["ClusterIP", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "headless"])
    if kind == "headless":
        spec["clusterIP"] = "None"
    else:
        spec["type"] = kind
    if kind == "ExternalName":
        spec = {"type": kind, "externalName": "example.com"}
    if rng.random() < 0.15 and kind != "ExternalName":
        spec["sessionAffinity"] = "ClientIP"
    if rng.random() < 0.1 and kind in ("NodePort", "LoadBalancer"):
        spec["externalTrafficPolicy"] = "Local"
    return {"spec": spec}


def pod(rng, _):
    spec = pod_spec(rng)
    if rng.random() < 0.3:
        spec["restartPolicy"] = rng.choice(["Never", "OnFailure", "Always"])
    if rng.random() < 0.1:
        spec["nodeName"] = "node-1"
    if rng.random() < 0.1:
        spec["priorityClassName"] = rng.choice(["system-node-critical", "nope"])
    return {"spec": spec}


def deployment(rng, _):
    spec = dict(workload(rng), replicas=rng.randint(0, 3))
    if rng.random() < 0.4:
        spec["strategy"] = rng.choice([{"type": "Recreate"}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "10%"}}])
    if rng.random() < 0.2:
        spec.update(minReadySeconds=3, revisionHistoryLimit=2, progressDeadlineSeconds=60)
    return {"spec": spec}


def replicaset(rng, _):
    return {"spec": dict(workload(rng), replicas=rng.randint(0, 3))}


def statefulset(rng, _):
    spec = dict(workload(rng), replicas=rng.randint(0, 3), serviceName="a")
    if rng.random() < 0.3:
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]
    if rng.random() < 0.2:
        spec["podManagementPolicy"] = "Parallel"
    if rng.random() < 0.2:
        spec["updateStrategy"] = rng.choice([{"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}])
    return {"spec": spec}


def daemonset(rng, _):
    spec = workload(rng)
    if rng.random() < 0.3:
        spec["updateStrategy"] = rng.choice([{"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}])
    return {"spec": spec}


def job(rng, _):
    spec = {"template": template(rng, rng.choice(["Never", "OnFailure"]))}
    del spec["template"]["metadata"]
    if rng.random() < 0.5:
        spec.update(rng.choice([{"completions": 2, "parallelism": 1}, {"backoffLimit": 1}, {"ttlSecondsAfterFinished": 5}, {"suspend": True},
                                {"activeDeadlineSeconds": 10}, {"completions": 3, "completionMode": "Indexed"}]))
    return {"spec": spec}


def cronjob(rng, name):
    spec = {"schedule": rng.choice(["* * * * *", "*/5 1 * * 1-5", "@daily"]), "jobTemplate": {"spec": job(rng, name)["spec"]}}
    if rng.random() < 0.3:
        spec.update(rng.choice([{"timeZone": "Etc/UTC"}, {"suspend": True}, {"startingDeadlineSeconds": 5}, {"concurrencyPolicy": "Forbid"}, {"successfulJobsHistoryLimit": 0}]))
    return {"spec": spec}


def pvc(rng, _):
    spec = {"accessModes": [rng.choice(["ReadWriteOnce", "ReadWriteMany"])], "resources": {"requests": {"storage": rng.choice(["1Gi", "500M"])}}}
    if rng.random() < 0.5:
        spec["storageClassName"] = rng.choice(["fast", ""])
    if rng.random() < 0.2:
        spec["selector"] = {"matchLabels": {"a": "b"}}
    return {"spec": spec}


def pv(rng, _):
    return {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": rng.choice(["Retain", "Delete"]),
                     "storageClassName": "fast", **rng.choice([{"hostPath": {"path": "/tmp/x"}}, {"nfs": {"server": "s", "path": "/x"}}])}}


def storageclass(rng, _):
    return {"provisioner": "example.com/p", **rng.choice([{}, {"volumeBindingMode": "WaitForFirstConsumer"}, {"reclaimPolicy": "Retain", "allowVolumeExpansion": True},
                                                          {"parameters": {"a": "b"}}])}


def serviceaccount(rng, _):
    return rng.choice([{}, {"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "b"}]}, {"automountServiceAccountToken": False}])


def role(rng, _):
    return {"rules": [{"apiGroups": rng.choice([[""], ["apps", "batch"]]), "resources": ["pods", "deployments"], "verbs": ["get", "list"], **rng.choice([{}, {"resourceNames": ["a"]}])}]}


def clusterrole(rng, name):
    return rng.choice([role(rng, name), {"rules": [{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]},
                       {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, "rules": None}])


def rolebinding(rng, _):
    return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": rng.choice(["Role", "ClusterRole"]), "name": "r"},
            "subjects": [rng.choice([{"kind": "ServiceAccount", "name": "default", "namespace": "default"}, {"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"}])]}


def clusterrolebinding(rng, name):
    return dict(rolebinding(rng, name), roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"})


def lease(rng, _):
    return {"spec": {"holderIdentity": "h", "leaseDurationSeconds": 15, "acquireTime": "2024-01-02T03:04:05.000006Z", "leaseTransitions": 1}}


def event(rng, name):
    return {"involvedObject": {"kind": "ConfigMap", "namespace": "NS", "name": "a", "apiVersion": "v1"}, "reason": "R", "message": "m", "type": "Normal",
            "source": {"component": "c"}, "firstTimestamp": "2024-01-02T03:04:05Z", "lastTimestamp": "2024-01-02T03:04:05Z", "count": 1}


def ingress(rng, _):
    path = {"path": "/", "pathType": rng.choice(["Prefix", "Exact", "ImplementationSpecific"]), "backend": {"service": {"name": "a", "port": rng.choice([{"number": 80}, {"name": "http"}])}}}
    spec = {"rules": [{"host": rng.choice(["example.com", "*.example.com"]), "http": {"paths": [path]}}]}
    if rng.random() < 0.3:
        spec["ingressClassName"] = "nginx"
    if rng.random() < 0.3:
        spec["tls"] = [{"hosts": ["example.com"], "secretName": "tls"}]
    if rng.random() < 0.2:
        spec["defaultBackend"] = {"service": {"name": "a", "port": {"number": 80}}}
    return {"spec": spec}


def networkpolicy(rng, _):
    spec = {"podSelector": rng.choice([{}, {"matchLabels": {"app": "a"}}])}
    if rng.random() < 0.6:
        spec["ingress"] = [{"from": [rng.choice([{"podSelector": {"matchLabels": {"a": "b"}}}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}])],
                            "ports": [{"protocol": "TCP", "port": rng.choice([80, "http"])}]}]
    if rng.random() < 0.4:
        spec["egress"] = [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 80, "endPort": 90}]}]
    return {"spec": spec}


def pdb(rng, _):
    return {"spec": {"selector": {"matchLabels": {"app": "a"}}, **rng.choice([{"minAvailable": 1}, {"maxUnavailable": "50%"}, {"minAvailable": "100%", "unhealthyPodEvictionPolicy": "AlwaysAllow"}])}}


def hpa(rng, _):
    metric = rng.choice([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
                         {"type": "Pods", "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "10"}}}])
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}, "maxReplicas": 5, "metrics": [metric]}
    if rng.random() < 0.5:
        spec["minReplicas"] = 2
    if rng.random() < 0.2:
        spec["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}}
    return {"spec": spec}


def priorityclass(rng, _):
    return {"value": rng.randint(1, 1000), **rng.choice([{}, {"preemptionPolicy": "Never"}, {"description": "d"}])}


def quota(rng, _):
    return {"spec": {"hard": {"pods": "5", "requests.cpu": "2", "count/deployments.apps": "3"}, **rng.choice([{}, {"scopes": ["NotTerminating"]}])}}


def limitrange(rng, _):
    return {"spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "100Gi"}, "min": {"storage": "1Mi"}}]}}


def namespace(rng, _):
    return {}


def crd(rng, name):
    """`widgets.GROUP`: two versions, defaults, CEL rules, status and scale."""
    group = name.partition(".")[2]
    spec = {"type": "object", "required": ["size"], "properties": {
        "size": {"type": "string", "enum": ["S", "M", "L"]}, "replicas": {"type": "integer", "minimum": 0, "maximum": 10, "default": 1},
        "tags": {"type": "array", "maxItems": 3, "x-kubernetes-list-type": "set", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
            "type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 5}, "count": {"type": "integer", "default": 2}}}},
        "port": {"x-kubernetes-int-or-string": True}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "fixed": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "fixed is fixed"}]},
        "note": {"type": "string", "nullable": True}},
        "x-kubernetes-validations": [{"rule": "!has(self.replicas) || self.replicas != 7", "message": "seven is no number"}]}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": {"type": "object", "properties": {
        "replicas": {"type": "integer"}, "phase": {"type": "string"}, "selector": {"type": "string"}}}}}}
    one = {"served": True, "schema": schema, "subresources": {"status": {}, "scale": {
        "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}}}
    return {"spec": {"group": group, "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
                     "versions": [dict(one, name="v1", storage=True), dict(one, name="v1beta1", storage=False)]}}


def widget(rng, _):
    spec = {"size": rng.choice("SML"), "replicas": rng.randint(0, 6)}
    for field, value in [("tags", ["a", "b"]), ("parts", [{"name": "p"}, {"name": "q", "count": 1}]), ("port", "http"), ("free", {"x": {"y": 1}}),
                         ("fixed", "f"), ("note", None)]:
        if rng.random() < 0.4:
            spec[field] = value
    return {"spec": spec}


class Kind:
    def __init__(self, api, plural, kind, make, weight=3, status=None, scale=False, cluster=False):
        self.api, self.plural, self.kind, self.make, self.weight = api, plural, kind, make, weight
        self.status, self.scale, self.cluster = status, scale, cluster

    def root(self, namespace):
        start = "/api/v1" if self.api == "v1" else "/apis/" + self.api
        return start + ("" if self.cluster else "/namespaces/" + namespace) + "/" + self.plural


CONDITION = {"type": "Available", "status": "True", "lastTransitionTime": "2024-01-02T03:04:05Z", "reason": "R", "message": "m"}
KINDS = [
    Kind("v1", "configmaps", "ConfigMap", configmap, 6),
    Kind("v1", "secrets", "Secret", secret),
    Kind("v1", "services", "Service", service, 5, {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}),
    Kind("v1", "pods", "Pod", pod, 6, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2024-01-02T03:04:05Z"}]}),
    Kind("apps/v1", "deployments", "Deployment", deployment, 6, {"replicas": 2, "readyReplicas": 1, "observedGeneration": 1, "conditions": [CONDITION]}, True),
    Kind("apps/v1", "replicasets", "ReplicaSet", replicaset, 3, {"replicas": 2}, True),
    Kind("apps/v1", "statefulsets", "StatefulSet", statefulset, 3, {"replicas": 1}, True),
    Kind("apps/v1", "daemonsets", "DaemonSet", daemonset, 3, {"currentNumberScheduled": 1, "numberMisscheduled": 0, "desiredNumberScheduled": 2, "numberReady": 1}),
    Kind("batch/v1", "jobs", "Job", job, 4, {"active": 1, "startTime": "2024-01-02T03:04:05Z"}),
    Kind("batch/v1", "cronjobs", "CronJob", cronjob, 3, {"lastScheduleTime": "2024-01-02T03:04:05Z"}),
    Kind("v1", "persistentvolumeclaims", "PersistentVolumeClaim", pvc, 3, {"phase": "Bound", "capacity": {"storage": "1Gi"}}),
    Kind("v1", "persistentvolumes", "PersistentVolume", pv, 2, {"phase": "Available"}, cluster=True),
    Kind("storage.k8s.io/v1", "storageclasses", "StorageClass", storageclass, 2, cluster=True),
    Kind("v1", "namespaces", "Namespace", namespace, 2, {"phase": "Active"}, cluster=True),
    Kind("v1", "serviceaccounts", "ServiceAccount", serviceaccount, 2),
    Kind("rbac.authorization.k8s.io/v1", "roles", "Role", role, 2),
    Kind("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", rolebinding, 2),
    Kind("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", clusterrole, 1, cluster=True),
    Kind("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", clusterrolebinding, 1, cluster=True),
    Kind("coordination.k8s.io/v1", "leases", "Lease", lease, 3),
    Kind("v1", "events", "Event", event, 2),
    Kind("networking.k8s.io/v1", "ingresses", "Ingress", ingress, 3, {"loadBalancer": {"ingress": [{"hostname": "h.example.com"}]}}),
    Kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", networkpolicy, 3),
    Kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", pdb, 3, {"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0, "expectedPods": 1}),
    Kind("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", hpa, 3, {"currentReplicas": 1, "desiredReplicas": 2}),
    Kind("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", priorityclass, 1, cluster=True),
    Kind("v1", "resourcequotas", "ResourceQuota", quota, 2, {"hard": {"pods": "5"}, "used": {"pods": "1"}}),
    Kind("v1", "limitranges", "LimitRange", limitrange, 1),
]
DEFINITIONS = Kind("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", crd, 2, cluster=True)


def widgets(group, version="v1"):
    return Kind(group + "/" + version, "widgets", "Widget", widget, 4, {"replicas": 1, "phase": "Ready", "selector": "a=b"}, True)

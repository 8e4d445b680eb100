//! Running Pods as an API server sends them: about 3.8 KB of JSON, 6.2 KB with `managedFields`.

use bytes::Bytes;
use std::{
    fmt::Write,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

/// Pods of one workload: they share labels and the owner.
pub const WORKLOAD: usize = 100;
/// Pods of one namespace.
pub const NAMESPACE: usize = 1_000;
/// Objects of a page.
const PAGE: usize = 500;

/// One Pod.
#[derive(Clone, Copy, Debug)]
pub struct Pod {
    /// Which.
    pub n: usize,
    /// Its resourceVersion.
    pub version: usize,
    /// Whether it carries `managedFields`.
    pub managed: bool,
}

/// A number that looks like chance and is always the same.
fn scrambled(n: usize) -> u64 {
    (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_7b93_2d1f
}

/// The name that the labels `app.kubernetes.io/name` of a workload have.
#[must_use]
pub fn app(workload: usize) -> String {
    format!("checkout-{workload:04}")
}

/// The uid of the ReplicaSet that owns a workload's Pods.
#[must_use]
pub fn owner_uid(workload: usize) -> String {
    format!(
        "{:08x}-52a1-4c1e-9d0f-{:012x}",
        scrambled(workload) >> 32,
        scrambled(workload) & 0xffff_ffff_ffff
    )
}

impl Pod {
    fn workload(self) -> usize {
        self.n / WORKLOAD
    }

    fn hash(self) -> String {
        format!("{:010x}", scrambled(self.workload()) >> 24)
    }

    fn name(self) -> String {
        format!("{}-{}-{:05x}", app(self.workload()), self.hash(), self.n % WORKLOAD * 641 + 4096)
    }

    fn uid(self) -> String {
        format!("{:08x}-7c3e-4f7a-8b7e-{:012x}", scrambled(self.n) >> 32, self.n)
    }

    /// As an item of a list has it: without `kind` and `apiVersion`.
    #[must_use]
    pub fn item(self) -> String {
        format!("{{{}", self.body())
    }

    /// As a watch has it: a whole line.
    #[must_use]
    pub fn line(self, event: &str) -> String {
        format!(
            "{{\"type\":\"{event}\",\"object\":{{\"kind\":\"Pod\",\"apiVersion\":\"v1\",{}}}\n",
            self.body()
        )
    }

    fn body(self) -> String {
        let mut out = String::with_capacity(6_500);
        self.metadata(&mut out);
        self.spec(&mut out);
        self.status(&mut out);
        out
    }

    fn metadata(self, out: &mut String) {
        let (app, hash, n) = (app(self.workload()), self.hash(), self.n);
        write!(
            out,
            r#""metadata":{{"name":"{}","generateName":"{app}-{hash}-","namespace":"team-{:03}","uid":"{}","resourceVersion":"{}","generation":1,"creationTimestamp":"2026-11-{:02}T08:{:02}:12Z","labels":{{"app.kubernetes.io/component":"{}","app.kubernetes.io/instance":"{app}","app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/name":"{app}","app.kubernetes.io/version":"1.{}.{}","pod-template-hash":"{hash}"}},"annotations":{{"checksum/config":"{:016x}{:016x}{:016x}","prometheus.io/port":"{}","prometheus.io/scrape":"true"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{app}-{hash}","uid":"{}","controller":true,"blockOwnerDeletion":true}}]"#,
            self.name(),
            n / NAMESPACE,
            self.uid(),
            self.version,
            n % 27 + 1,
            n % 60,
            ["api", "worker", "web"][self.workload() % 3],
            self.workload() % 40,
            self.workload() % 7,
            scrambled(self.workload()),
            scrambled(self.workload() + 1),
            scrambled(self.workload() + 2),
            8_000 + self.workload() % 100,
            owner_uid(self.workload()),
        )
        .expect("writing to a String does not fail");
        if self.managed {
            out.push_str(MANAGED);
        }
        out.push_str("},");
    }

    fn spec(self, out: &mut String) {
        let (app, w) = (app(self.workload()), self.workload());
        write!(out, r#""spec":{{"volumes":[{{"name":"config","configMap":{{"name":"{app}-config","defaultMode":420}}}},{{"name":"tmp","emptyDir":{{}}}},{{"name":"kube-api-access-{:05x}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}},{{"downwardAPI":{{"items":[{{"path":"namespace","fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}}}}]}}}}],"defaultMode":420}}}}],"#, self.n % 0xf_ffff)
            .expect("writing to a String does not fail");
        write!(out, r#""containers":[{{"name":"app","image":"registry.example.com/shop/{app}:1.{}.{}","args":["--listen=:8080","--log-format=json"],"ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}},{{"name":"metrics","containerPort":9090,"protocol":"TCP"}}],"env":[{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}},{{"name":"DATABASE_URL","valueFrom":{{"secretKeyRef":{{"name":"{app}-db","key":"url"}}}}}},{{"name":"REGION","value":"eu-central-{}"}}],"resources":{{"limits":{{"cpu":"500m","memory":"512Mi"}},"requests":{{"cpu":"100m","memory":"{}Mi"}}}},"volumeMounts":[{{"name":"config","readOnly":true,"mountPath":"/etc/app"}},{{"name":"tmp","mountPath":"/tmp"}},{{"name":"kube-api-access-{:05x}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],"#, w % 40, w % 7, w % 3, 64 + w % 448, self.n % 0xf_ffff)
            .expect("writing to a String does not fail");
        write!(out, r#""livenessProbe":{{"httpGet":{{"path":"/healthz","port":"http","scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"{app}","serviceAccount":"{app}","nodeName":"node-{:03}","securityContext":{{"runAsNonRoot":true}},"schedulerName":"default-scheduler","tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},"#, self.n % 250)
            .expect("writing to a String does not fail");
    }

    fn status(self, out: &mut String) {
        let started = format!("2026-11-{:02}T08:{:02}:{:02}Z", self.n % 27 + 1, self.n % 60, self.n % 53);
        out.push_str(r#""status":{"phase":"Running","conditions":["#);
        for kind in ["PodReadyToStartContainers", "Initialized", "Ready", "PodScheduled"] {
            write!(out, r#"{{"type":"{kind}","status":"True","lastProbeTime":null,"lastTransitionTime":"{started}"}},"#)
                .expect("writing to a String does not fail");
        }
        out.pop();
        let address = format!("10.{}.{}.{}", self.n / 65_536, self.n / 256 % 256, self.n % 256);
        write!(out, r#"],"hostIP":"192.168.{}.{}","podIP":"{address}","podIPs":[{{"ip":"{address}"}}],"startTime":"{started}","containerStatuses":[{{"name":"app","state":{{"running":{{"startedAt":"{started}"}}}},"lastState":{{}},"ready":true,"restartCount":{},"image":"registry.example.com/shop/{}:1.{}.{}","containerID":"containerd://{:016x}{:016x}{:016x}{:016x}","started":true}}],"qosClass":"Burstable"}}}}"#, self.n % 250, self.n % 7, self.n % 4, app(self.workload()), self.workload() % 40, self.workload() % 7, scrambled(self.n), scrambled(self.n + 1), scrambled(self.n + 2), scrambled(self.n + 3))
            .expect("writing to a String does not fail");
    }
}

/// What kube-controller-manager and kubelet own of a Pod.
const MANAGED: &str = concat!(
    r#","managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-05T08:12:12Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{},"f:prometheus.io/port":{},"f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},"f:app.kubernetes.io/component":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/version":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"6e9a1c9c-52a1-4c1e-9d0f-0242ac120002\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},"f:args":{},"f:env":{".":{},"k:{\"name\":\"DATABASE_URL\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:secretKeyRef":{}}},"k:{\"name\":\"POD_NAME\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:fieldRef":{}}},"k:{\"name\":\"REGION\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}},"k:{\"containerPort\":9090,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:volumeMounts":{".":{},"k:{\"mountPath\":\"/etc/app\"}":{".":{},"f:mountPath":{},"f:name":{},"f:readOnly":{}},"k:{\"mountPath\":\"/tmp\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{".":{},"f:runAsNonRoot":{}},"f:serviceAccountName":{}}}},"#,
    r#"{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-11-05T08:12:15Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Initialized\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:phase":{},"f:podIP":{},"f:podIPs":{".":{},"k:{\"ip\":\"10.0.0.1\"}":{".":{},"f:ip":{}}},"f:startTime":{}}},"subresource":"status"}]"#
);

/// What a line has that an item of a list has not.
const LINE_BEGINS: &str = r#"{"kind":"Pod","apiVersion":"v1","#;

/// So many Pods as items of a list, each of its own version, in the server's order.
pub fn made(pods: usize, managed: bool) -> impl Iterator<Item = String> {
    (0..pods).map(move |n| Pod { n, version: n + 1, managed }.item())
}

/// A Pod as a line of a file; kind and API version stand before what an item has.
#[must_use]
pub fn file_line(item: &str) -> String {
    format!("{LINE_BEGINS}{}\n", &item[1..])
}

/// The items of a list from the lines of a file that the program `pods` wrote.
///
/// # Errors
///
/// If the file cannot be opened.
///
/// # Panics
///
/// If it cannot be read to its end, or holds something else.
pub fn read(path: &Path) -> io::Result<impl Iterator<Item = String> + use<>> {
    let lines = BufReader::new(File::open(path)?).lines();
    Ok(lines.map(|line| {
        let line = line.expect("the file can be read");
        format!("{{{}", line.strip_prefix(LINE_BEGINS).expect("a line of a Pod"))
    }))
}

/// The pages of a list of so many items, and the bytes of its items.
///
/// # Panics
///
/// If there are fewer.
#[must_use]
pub fn pages(pods: usize, mut items: impl Iterator<Item = String>) -> (Vec<Bytes>, usize) {
    let (mut pages, mut json) = (Vec::new(), 0);
    for first in (0..pods).step_by(PAGE) {
        let last = (first + PAGE).min(pods);
        let token = if last < pods { (last / PAGE).to_string() } else { String::new() };
        let mut page = format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"{pods}","continue":"{token}"}},"items":["#
        );
        for n in first..last {
            let item = items.next().expect("as many Pods as were said");
            json += item.len();
            page.push_str(&item);
            page.push(if n + 1 < last { ',' } else { ']' });
        }
        page.push('}');
        pages.push(page.into());
    }
    (pages, json)
}

//! Whatever calls a guest makes, with whatever arguments: only clean ones within its grant reach the host, and what it
//! says reaches people escaped and bounded.
//!
//! The bytes are a program that `calls.wat` reads and carries out, through the linker that every module goes through.

use futures::future::BoxFuture;
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use windlass_guest::{
    engine::{Engine, EngineSettings},
    host::{Caller, EventData, Host, LogLine, MetricSample, Terms},
    instance::{RunInput, invoke},
    limits::{Bound, Limits},
    module::Module,
    text::deceives,
};
use windlass_runtime::core::{
    cache::Cache,
    call::{Action, Answered, ApiError, Call, Page, Reply},
    description::Permission,
    grant::{Grant, Refusal, Rule, Scope},
    input::RunId,
    name::{ControllerName, Kind, ModuleName, ObjectName, Request, Resource},
    outcome::Outcome,
    subscription::{Following, Seen, Subscription, SubscriptionId},
};

const GUEST: &str = include_str!("calls.wat");

/// What texts of the program mostly are.
const WORDS: &[&str] = &[
    "v1",
    "ConfigMap",
    "mine",
    "a",
    "",
    "{}",
    r#"{"metadata":{"name":"a"}}"#,
    r#"{"metadata":{"name":"a","namespace":"mine","resourceVersion":"1"}}"#,
    r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#,
    r#"{"metadata":{"name":"b","namespace":"other"}}"#,
    r#"{"metadata":{"name":"a","name":"../x"}}"#,
    r#"{"metadata":{"generateName":"x-"}}"#,
    r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Secret","name":"x","uid":"1"}],"finalizers":["x/y"]}}"#,
    r#"[{"op":"replace","path":"/metadata/name","value":"b"}]"#,
    "[]",
    "null",
    "status",
    "exec",
    "token",
    "too",
    "other",
    "kube-system",
    "..",
    "../../secrets/x",
    "a%2fb",
    "a?x=1",
    "a#b",
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{202e}",
    "\0",
    "\n",
    "é",
    "Secret",
    "Namespace",
    "apps/v1",
    "a=b",
    "a in (b",
    "metadata.name=x",
    "windlass/in/other/",
    "windlass/in/mine/x",
    "windlass/after/mine/a",
    "Reason",
    "requests_total",
    "code",
    "-1",
];

/// Made once: the compiler takes a thousand times as long as a run.
struct Ready {
    runtime: tokio::runtime::Runtime,
    module: Module,
}

fn ready() -> &'static Ready {
    static READY: OnceLock<Ready> = OnceLock::new();
    READY.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime of one thread starts");
        let settings = EngineSettings { concurrent_invocations_max: 4, ..EngineSettings::default() };
        let engine = Engine::new(settings).expect("the engine starts");
        let core = wat::parse_str(guest()).expect("the guest is WebAssembly");
        let component = windlass_author::componentize(&core, "calls").expect("the guest is a module");
        let module = runtime.block_on(Module::load(&engine, component.into(), None));
        Ready { runtime, module: module.expect("the guest is admitted") }
    })
}

/// The guest with its dictionary: place and length of each word, then the words.
fn guest() -> String {
    let (mut table, mut words) = (Vec::new(), Vec::new());
    for word in WORDS {
        let at = 4_096 + WORDS.len() * 8 + words.len();
        table.extend(u32::try_from(at).expect("it is small").to_le_bytes());
        table.extend(u32::try_from(word.len()).expect("it is small").to_le_bytes());
        words.extend(word.bytes());
    }
    let dictionary: String = table.iter().chain(&words).map(|byte| format!("\\{byte:02x}")).collect();
    GUEST.replace("${words}", &WORDS.len().to_string()).replace("${dictionary}", &dictionary)
}

/// Carries out the program; how many of its calls came through.
pub(crate) fn check(data: &[u8]) -> usize {
    let Ready { runtime, module } = ready();
    let data = &data[..data.len().min(usize::from(u16::MAX))];
    let host = Arc::new(Checking::new(data));
    let terms = Arc::new(terms());
    let kind = Kind::new("v1", "ConfigMap");
    let controller = ControllerName { module: ModuleName("fuzz".into()), controller: "maps".into() };
    let input = RunInput {
        terms,
        run: RunId(1),
        request: Request { controller, name: ObjectName::namespaced("mine", "a") },
        kind,
        object: None,
        failures: 0,
    };
    let report = runtime.block_on(invoke(module, input, host.clone()));
    assert!(report.usage.cpu < Duration::from_secs(5), "{:?}", report.usage);
    let said = match report.outcome {
        Outcome::Trapped(trap) => format!("{}{}", trap.message, trap.frames.concat()),
        Outcome::Retry { message, .. } | Outcome::Terminal { message, .. } => message,
        _ => String::new(),
    };
    is_plain(&said, 64 << 10);
    host.calls.load(Relaxed)
}

fn terms() -> Terms {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let permission = Permission {
        api_groups: vec![String::new()],
        resources: own(&["configmaps", "configmaps/status"]),
        resource_names: Vec::new(),
        verbs: own(&["get", "list", "watch", "create", "update", "patch", "delete"]),
    };
    let scope = Scope::Namespaces(["mine", "too"].map(Arc::from).into_iter().collect());
    let mut limits = Limits::default();
    limits.set(Bound::LogFields, 4);
    limits.set(Bound::ListItems, 3);
    limits.set(Bound::Payload, 4 << 10);
    limits.set(Bound::Reply, 4 << 10);
    Terms {
        module: ModuleName("fuzz".into()),
        grant: Arc::new(Grant { rules: vec![Rule { permission, scope }] }).into(),
        field_manager: "windlass/fuzz".into(),
        settings: "{}".into(),
        indexes: Arc::from([]),
        limits,
        pace: Arc::default(),
    }
}

/// Holds what comes out of the sandbox against what may; answers as the program's bytes have it.
struct Checking {
    cache: Cache,
    /// What the guest is handed as random bytes: the length of the program, and the program.
    handed: Mutex<Vec<Vec<u8>>>,
    answers: Mutex<u64>,
    /// How many calls came through.
    calls: AtomicUsize,
}

impl Checking {
    fn new(program: &[u8]) -> Self {
        let length = u16::try_from(program.len()).unwrap_or(u16::MAX).to_le_bytes();
        let seed =
            program.iter().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add((*byte).into()));
        Self {
            cache: Cache::default(),
            handed: Mutex::new(vec![program.to_vec(), length.to_vec()]),
            answers: Mutex::new(seed),
            calls: AtomicUsize::default(),
        }
    }

    fn number(&self, below: u64) -> u64 {
        let mut state = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    /// Mostly what was asked for, now and then something else.
    fn answer(&self, action: &Action) -> Result<Reply, ApiError> {
        let object = || {
            format!(r#"{{"metadata":{{"name":"a"}},"x":"{}"}}"#, "\u{1b}".repeat(self.number(5_000) as usize))
        };
        let items = || (0..self.number(6)).map(|_| object()).collect();
        match (self.number(12), action) {
            (0, _) => Err(ApiError { code: 409, ..ApiError::host("Conflict", "\u{1b}[2Jno") }),
            (1, _) => Ok(Reply::Object(None)),
            (_, Action::Get { .. }) => Ok(Reply::Object((self.number(3) > 0).then(object))),
            (2..6, Action::List { .. }) => Ok(Reply::Page(Page {
                items: items(),
                continue_token: Some("on".into()),
                resource_version: "1".into(),
            })),
            (_, Action::List { .. }) => Ok(Reply::Page(Page {
                items: items(),
                continue_token: None,
                resource_version: String::new(),
            })),
            (_, Action::Delete { .. }) => {
                Ok(Reply::Deleted { gone: self.number(2) == 0, uid: None, left: None })
            }
            _ => Ok(Reply::Written { object: Answered::Other(object()), warnings: vec!["\u{1b}[2J".into()] }),
        }
    }
}

fn is_plain(text: &str, bytes_max: usize) {
    assert!(!text.contains(deceives), "{text:?}");
    assert!(text.len() <= bytes_max, "{} bytes", text.len());
}

fn is_granted(namespace: Option<&str>) {
    assert!(matches!(namespace, Some("mine" | "too")), "{namespace:?}");
}

impl Host for Checking {
    fn call<'a>(&'a self, _: &'a Caller, call: Call) -> BoxFuture<'a, Result<Reply, ApiError>> {
        self.calls.fetch_add(1, Relaxed);
        assert_eq!((&*call.kind.api_version, &*call.kind.kind), ("v1", "ConfigMap"), "{call:?}");
        assert!(matches!(call.subresource.as_deref(), None | Some("status")), "{call:?}");
        if let Some(ObjectName { namespace, name }) = call.action.name() {
            is_granted(namespace.as_deref());
            let odd = |char: char| !char.is_ascii_graphic() || "/%?#\\".contains(char);
            assert!(!name.contains(odd) && !matches!(&**name, "." | "..") && name.len() <= 253, "{call:?}");
        }
        if let Action::List { query, .. } = &call.action {
            is_granted(query.namespace.as_deref());
            assert!(query.limit.is_some_and(|limit| limit <= 3), "{call:?}");
        }
        let answer = self.answer(&call.action);
        let pauses = self.number(3);
        Box::pin(async move {
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
            answer
        })
    }

    fn resource<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Resource, ApiError>> {
        Box::pin(async move {
            let (plural, namespaced) = match (&*kind.api_version, &*kind.kind) {
                ("v1", "ConfigMap") => ("configmaps", true),
                ("v1", "Secret") => ("secrets", true),
                ("v1", "Namespace") => ("namespaces", false),
                _ => {
                    return Err(ApiError {
                        code: 404,
                        ..ApiError::host("NotFound", format!("{kind} is not served"))
                    });
                }
            };
            Ok(Resource { kind: kind.clone(), plural: plural.into(), namespaced })
        })
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn event(&self, _: &Caller, event: EventData) {
        is_plain(&event.reason, 128);
        is_plain(&event.action, 128);
        is_plain(&event.note, 1 << 10);
        for object in std::iter::once(&event.regarding).chain(&event.related) {
            is_plain(&format!("{} {}", object.kind, object.name), 1 << 10);
            is_plain(object.uid.as_deref().unwrap_or_default(), 1 << 10);
        }
        if let Some(namespace) = event.regarding.name.namespace.as_deref() {
            is_granted(Some(namespace));
        }
    }

    fn log(&self, caller: &Caller, line: LogLine) {
        let (bytes_max, fields_max) =
            (caller.terms.limits.size(Bound::LogText), caller.terms.limits.size(Bound::LogFields));
        is_plain(&line.message, bytes_max + '…'.len_utf8());
        assert!(line.fields.len() <= fields_max, "{}", line.fields.len());
        for (name, value) in &line.fields {
            is_plain(name, bytes_max + '…'.len_utf8());
            is_plain(value, bytes_max + '…'.len_utf8());
        }
    }

    fn metric(&self, caller: &Caller, sample: MetricSample) {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        assert!(is_name(&sample.name), "{sample:?}");
        assert!(sample.labels.len() <= caller.terms.limits.size(Bound::LogFields), "{sample:?}");
        for (name, value) in &sample.labels {
            assert!(is_name(name), "{sample:?}");
            is_plain(value, 64 << 10);
        }
    }

    fn subscribe<'a>(
        &'a self,
        _: &'a Caller,
        subscription: Subscription,
    ) -> BoxFuture<'a, Result<(SubscriptionId, Following), ApiError>> {
        assert_eq!(&*subscription.resource.plural, "configmaps");
        let following = if self.number(2) == 0 { Following::InStep } else { Following::Starting };
        Box::pin(async move { Ok((SubscriptionId(1), following)) })
    }

    fn seen<'a>(&'a self, _: &'a Caller, _: SubscriptionId, _: Option<Seen>) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn reached(&self, _: &Caller, _: Bound, times: u32) {
        assert!(times > 0);
    }

    fn refused(&self, _: &Caller, refusal: &Refusal) {
        is_plain(&refusal.to_string(), 4 << 10);
    }

    fn now_ms(&self, _: &Caller) -> f64 {
        1_795_255_200_123.5
    }

    fn random(&self, _: &Caller, bytes: &mut [u8]) {
        let handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let length = bytes.len().min(handed.len());
        bytes[..length].copy_from_slice(&handed[..length]);
    }
}

//! A collector that speaks OTLP over HTTP and is in all kinds of trouble. Keeps what it took.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::agent::Agent;
use super::chance::Chance;

/// What the collector took, and how it answered.
#[derive(Debug, Default)]
pub struct Taken {
    /// Failure by name, as `saw-0/17`: the uids it came with.
    pub events: BTreeMap<String, BTreeSet<String>>,
    /// Records taken in all.
    pub records: u64,
    /// Failures refused for good.
    pub refused: BTreeSet<String>,
    /// Per container, the numbers of failures in the order in which each first came.
    pub order: BTreeMap<String, Vec<u64>>,
    pub answers: BTreeMap<&'static str, u64>,
    pub kills: u64,
}

/// How much trouble there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes everything.
    Well,
    /// Takes some and kills the agent now and then.
    Chaotic,
    /// Takes nothing.
    Down,
}

struct Shared {
    taken: Mutex<Taken>,
    mood: Mutex<Mood>,
    chance: Mutex<Chance>,
    agent: Agent,
}

/// A collector on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    shared: Arc<Shared>,
    pub port: u16,
}

impl Receiver {
    pub fn start(agent: Agent, seed: u64) -> std::io::Result<Receiver> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            taken: Mutex::default(),
            mood: Mutex::new(Mood::Well),
            chance: Mutex::new(Chance::new(seed)),
            agent,
        });
        let router = Router::new().route("/v1/logs", post(answer)).layer(DefaultBodyLimit::max(64 << 20));
        let router = router.with_state(shared.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("serving goes on");
            });
        });
        Ok(Receiver { shared, port })
    }

    pub fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    pub fn look<T>(&self, look: impl FnOnce(&Taken) -> T) -> T {
        look(&self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What to do with one request.
#[derive(Clone, Copy)]
enum Plan {
    Take,
    Status(u16),
    Hang,
    RefuseOne,
    KillThenTake,
    TakeThenKill,
    Drop,
}

fn plan(mood: Mood, chance: &mut Chance) -> Plan {
    match (mood, chance.below(20)) {
        (Mood::Well, _) => Plan::Take,
        (Mood::Down, way) => [Plan::Status(503), Plan::Hang, Plan::Drop][way as usize % 3],
        (Mood::Chaotic, 0) => Plan::Status(503),
        (Mood::Chaotic, 1) => Plan::Status(429),
        (Mood::Chaotic, 2) => Plan::Status(504),
        (Mood::Chaotic, 3) => Plan::Hang,
        (Mood::Chaotic, 4) => Plan::RefuseOne,
        (Mood::Chaotic, 5) => Plan::KillThenTake,
        (Mood::Chaotic, 6) => Plan::TakeThenKill,
        (Mood::Chaotic, 7) => Plan::Drop,
        (Mood::Chaotic, 8) => Plan::Status(413),
        (Mood::Chaotic, _) => Plan::Take,
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let request = if json {
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    } else {
        ExportLogsServiceRequest::decode(body).map_err(|error| error.to_string())
    };
    let records: Vec<LogRecord> = match request {
        Ok(request) => {
            let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            scopes.flat_map(|scope| scope.log_records).collect()
        }
        Err(error) => {
            count(&shared, "unreadable");
            return (StatusCode::BAD_REQUEST, error).into_response();
        }
    };
    let plan = {
        let mood = *shared.mood.lock().unwrap_or_else(PoisonError::into_inner);
        plan(mood, &mut shared.chance.lock().unwrap_or_else(PoisonError::into_inner))
    };
    match plan {
        Plan::Take => success(&shared, "taken", &records, 0, json),
        Plan::RefuseOne => success(&shared, "partial", &records, 1, json),
        // A batch of one that is too large would be dropped, as it should; that is no loss to look for.
        Plan::Status(413) if records.len() < 2 => success(&shared, "taken", &records, 0, json),
        Plan::Status(status) => {
            count(&shared, "refused for now");
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            (status, [(header::RETRY_AFTER, "0")]).into_response()
        }
        Plan::Hang => {
            count(&shared, "hung");
            tokio::time::sleep(Duration::from_secs(3)).await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Plan::Drop => {
            count(&shared, "dropped");
            // A body that breaks off at once, and the connection with it.
            let broken = tokio_stream::once(Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
            Response::new(axum::body::Body::from_stream(broken))
        }
        Plan::KillThenTake => {
            // It has sent everything and never hears of it.
            kill(&shared);
            success(&shared, "taken after a kill", &records, 0, json)
        }
        Plan::TakeThenKill => {
            let response = success(&shared, "taken before a kill", &records, 0, json);
            let (killer, delay) = {
                let mut chance = shared.chance.lock().unwrap_or_else(PoisonError::into_inner);
                (shared.clone(), chance.wait(4))
            };
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                kill(&killer);
            });
            response
        }
    }
}

fn kill(shared: &Shared) {
    if shared.agent.kill() {
        shared.taken.lock().unwrap_or_else(PoisonError::into_inner).kills += 1;
    }
}

fn count(shared: &Shared, answer: &'static str) {
    *shared.taken.lock().unwrap_or_else(PoisonError::into_inner).answers.entry(answer).or_default() += 1;
}

/// Takes all records but the last `refused`, and says so.
fn success(shared: &Shared, how: &'static str, records: &[LogRecord], refused: usize, json: bool) -> Response {
    count(shared, how);
    let mut taken = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = records.len().saturating_sub(refused);
    for (place, record) in records.iter().enumerate() {
        let name = text(record, "faultscope.detail");
        if place < kept {
            take(&mut taken, name, text(record, "log.record.uid"));
        } else {
            taken.refused.insert(name);
        }
    }
    let response = ExportLogsServiceResponse {
        partial_success: (refused > 0).then(|| ExportLogsPartialSuccess {
            rejected_log_records: refused as i64,
            error_message: "no room for the last".into(),
        }),
    };
    if json {
        let body = serde_json::to_vec(&response).unwrap_or_default();
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/x-protobuf")], response.encode_to_vec()).into_response()
    }
}

fn take(taken: &mut Taken, name: String, uid: String) {
    taken.records += 1;
    if !taken.events.contains_key(&name)
        && let Some((pod, number)) = name.split_once('/')
    {
        taken.order.entry(pod.into()).or_default().push(number.parse().unwrap_or(0));
    }
    taken.events.entry(name).or_default().insert(uid);
}

fn text(record: &LogRecord, name: &str) -> String {
    let value = record.attributes.iter().find(|pair| pair.key == name).and_then(|pair| pair.value.clone()?.value);
    match value {
        Some(Value::StringValue(text)) => text,
        other => format!("{name} is {other:?}"),
    }
}

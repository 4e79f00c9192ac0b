use super::*;
use crate::export::fixture;
use crate::export::otlp::Explicit;

fn settings(explicit: Explicit) -> Settings {
    Settings::resolve(&explicit, &|_| None).unwrap()
}

fn connect(protocol: Protocol, endpoint: &str, explicit: Explicit) -> Result<Client, ConnectError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let explicit = Explicit { protocol: Some(protocol), endpoint: Some(endpoint.into()), ..explicit };
    runtime.block_on(async { Client::connect(settings(explicit)) })
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    // Bound and closed again, so that nothing listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        let explicit = Explicit {
            protocol: Some(protocol),
            endpoint: Some(format!("http://127.0.0.1:{port}")),
            ..Explicit::default()
        };
        let mut client = Client::connect(settings(explicit)).unwrap();
        let outcome = client.export(&[fixture::plain()]).await;
        assert!(matches!(outcome, Outcome::Retry { after: None, .. }), "{protocol:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_tried_again() {
    // The system accepts the connection; nobody ever reads from it.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        let explicit = Explicit {
            protocol: Some(protocol),
            endpoint: Some(format!("http://{}", mute.local_addr().unwrap())),
            timeout: Some(std::time::Duration::from_millis(20)),
            ..Explicit::default()
        };
        let mut client = Client::connect(settings(explicit)).unwrap();
        for _ in 0..2 {
            let outcome = client.export(&[fixture::plain()]).await;
            assert!(matches!(outcome, Outcome::Retry { after: None, .. }), "{protocol:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_missing_tls_file_is_named() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let explicit = Explicit { certificate: Some("no/such/ca.pem".into()), ..Explicit::default() };
        let error = connect(protocol, "https://127.0.0.1:1", explicit).unwrap_err();
        assert!(error.to_string().starts_with("no/such/ca.pem: can't be read: "), "{error}");
    }
}

#[test]
fn a_tls_file_without_certificates_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hello").unwrap();
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let explicit = Explicit { certificate: Some(file.path().into()), ..Explicit::default() };
        let error = connect(protocol, "https://127.0.0.1:1", explicit).unwrap_err();
        assert!(matches!(error, ConnectError::Pem { ref path, .. } if path == file.path()), "{error}");
    }
}

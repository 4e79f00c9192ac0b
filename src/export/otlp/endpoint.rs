//! What an endpoint's text means: the address to send to, by protocol. Must not know where the text came from.

use reqwest::Url;

use super::settings::Protocol;

/// How an endpoint's path is to be read when the protocol is HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A base for all signals: `/v1/logs` is appended.
    Base,
    /// The address of the logs themselves, used as it is.
    Logs,
    /// A base, unless it ends in `/v1/logs` already.
    Either,
}

const LOGS_PATH: &str = "/v1/logs";

/// The address to send to, always with a scheme.
///
/// For gRPC this is scheme, host and port (a path means nothing there); `insecure` chooses the scheme where there is none.
///
/// # Errors
/// What is wrong with it and how to mend it. The text is not quoted: it may hold a password.
pub(super) fn resolve(text: &str, protocol: Protocol, form: Form, insecure: bool) -> Result<String, String> {
    let text = text.trim();
    let url = match (text.contains("://"), protocol) {
        (true, _) => parse(text)?,
        (false, Protocol::Grpc) => parse(&format!("{}://{text}", if insecure { "http" } else { "https" }))?,
        (false, _) => {
            return Err("it has no scheme; write http://host:port or https://host:port".into());
        }
    };
    match protocol {
        Protocol::Grpc => Ok(grpc(&url)),
        Protocol::HttpProtobuf | Protocol::HttpJson => Ok(http(url, form)),
    }
}

fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no URL ({error}); write http://host:port"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its scheme is neither http nor https; write http://host:port or https://host:port".into());
    }
    // Secrets have one place, the headers, where nothing prints them.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password; send an authorization header instead".into());
    }
    Ok(url)
}

fn grpc(url: &Url) -> String {
    // `Url` refuses http and https addresses without a host, so there is one.
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

fn http(mut url: Url, form: Form) -> String {
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let append = match form {
        Form::Base => true,
        Form::Logs => false,
        Form::Either => !path.ends_with(LOGS_PATH),
    };
    if append {
        let path = format!("{path}{LOGS_PATH}");
        url.set_path(&path);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn http_addresses() {
        for (text, form, expected) in [
            ("http://localhost:4318", Form::Base, "http://localhost:4318/v1/logs"),
            ("http://localhost:4318/", Form::Base, "http://localhost:4318/v1/logs"),
            ("https://collector.example.com/tenant/7/", Form::Base, "https://collector.example.com/tenant/7/v1/logs"),
            ("https://collector.example.com/v1/logs", Form::Base, "https://collector.example.com/v1/logs/v1/logs"),
            ("https://collector.example.com?t=7", Form::Base, "https://collector.example.com/v1/logs?t=7"),
            ("https://collector.example.com", Form::Logs, "https://collector.example.com/"),
            ("https://collector.example.com/otlp/", Form::Logs, "https://collector.example.com/otlp/"),
            ("https://collector.example.com/v1/logs", Form::Either, "https://collector.example.com/v1/logs"),
            ("https://collector.example.com/base", Form::Either, "https://collector.example.com/base/v1/logs"),
            (" http://[::1]:4318 ", Form::Base, "http://[::1]:4318/v1/logs"),
        ] {
            assert_eq!(resolve(text, Protocol::HttpProtobuf, form, false).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn grpc_addresses() {
        for (text, insecure, expected) in [
            ("http://localhost:4317", false, "http://localhost:4317"),
            ("http://localhost:4317", true, "http://localhost:4317"),
            ("https://collector.example.com", true, "https://collector.example.com:443"),
            ("http://collector.example.com/ignored/path", false, "http://collector.example.com:80"),
            ("collector:4317", false, "https://collector:4317"),
            ("collector:4317", true, "http://collector:4317"),
            ("10.1.2.3:4317", true, "http://10.1.2.3:4317"),
            ("[::1]:4317", true, "http://[::1]:4317"),
        ] {
            assert_eq!(resolve(text, Protocol::Grpc, Form::Base, insecure).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn wrong_addresses_say_how_to_mend_them() {
        for (text, protocol, expected) in [
            ("localhost:4318", Protocol::HttpJson, "it has no scheme"),
            ("ftp://host", Protocol::HttpJson, "its scheme is neither"),
            ("unix:///run/otlp.sock", Protocol::Grpc, "its scheme is neither"),
            ("http://", Protocol::HttpJson, "it is no URL"),
            ("http://host:99999", Protocol::Grpc, "it is no URL"),
            ("http://me:hush@host:4317", Protocol::Grpc, "it holds a user name"),
            ("https://me:hush@host/otlp", Protocol::HttpProtobuf, "it holds a user name"),
        ] {
            let error = resolve(text, protocol, Form::Base, false).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("hush"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), insecure in any::<bool>()) {
            for protocol in [Protocol::Grpc, Protocol::HttpJson] {
                if let Ok(address) = resolve(&text, protocol, Form::Either, insecure) {
                    prop_assert!(Url::parse(&address).is_ok(), "{}", address);
                }
            }
        }
    }
}

use super::*;

fn resolve(explicit: &Explicit, env: &[(&str, &str)]) -> Result<Settings, Vec<SettingError>> {
    Settings::resolve(explicit, &|name| {
        env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

fn of_env(env: &[(&str, &str)]) -> Settings {
    resolve(&Explicit::default(), env).unwrap()
}

#[test]
fn defaults_are_the_specifications() {
    let settings = of_env(&[]);
    let expected = Settings {
        protocol: Protocol::HttpProtobuf,
        endpoint: "http://localhost:4318/v1/logs".into(),
        headers: Headers::default(),
        compression: Compression::None,
        timeout: Some(Duration::from_secs(10)),
        certificate: None,
        identity: None,
    };
    assert_eq!(settings, expected);
    assert_eq!(of_env(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).endpoint, "http://localhost:4317");
}

#[test]
fn endpoints_by_protocol_and_variable() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")], "http://c:4318/v1/logs"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/a/")], "https://c/a/v1/logs"),
        (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c:4318/a")], "http://c:4318/a"),
        (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c:4318")], "http://c:4318/"),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs/x")],
            "http://logs/x",
        ),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "")],
            "http://all/v1/logs",
        ),
        (&[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317")], "https://c:4317"),
        (
            &[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"),
                ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
            ],
            "http://c:4317",
        ),
        (
            &[
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4317"),
                ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "TRUE"),
            ],
            "https://c:4317",
        ),
    ];
    for (env, expected) in table {
        assert_eq!(of_env(env).endpoint, *expected, "{env:?}");
    }
}

#[test]
fn the_logs_form_wins_over_the_general_one() {
    let settings = of_env(&[
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "no such thing"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "b=2"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/tls/logs.pem"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/tls/all.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/tls/key.pem"),
        ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "/tls/chain.pem"),
    ]);
    let expected = Settings {
        protocol: Protocol::HttpJson,
        endpoint: "http://localhost:4318/v1/logs".into(),
        headers: Headers::parse("a=1").unwrap(),
        compression: Compression::Gzip,
        timeout: Some(Duration::from_millis(2500)),
        certificate: Some("/tls/logs.pem".into()),
        identity: Some(Identity { certificate: "/tls/chain.pem".into(), key: "/tls/key.pem".into() }),
    };
    assert_eq!(settings, expected);
}

#[test]
fn explicit_values_win_over_the_environment_even_a_wrong_one() {
    let explicit = Explicit {
        endpoint: Some("collector:4317".into()),
        protocol: Some(Protocol::Grpc),
        headers: Some(Headers::parse("x=1").unwrap()),
        compression: Some(Compression::Gzip),
        timeout: Some(Duration::ZERO),
        certificate: Some("/ca.pem".into()),
        client_key: Some("/key.pem".into()),
        client_certificate: Some("/chain.pem".into()),
        insecure: Some(true),
    };
    let suffixes = ["ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION", "TIMEOUT", "CERTIFICATE", "INSECURE"];
    let names: Vec<_> = suffixes.iter().map(|suffix| format!("OTEL_EXPORTER_OTLP_LOGS_{suffix}")).collect();
    let env: Vec<_> = names.iter().map(|name| (name.as_str(), "not usable")).collect();
    let settings = resolve(&explicit, &env).unwrap();
    let expected = Settings {
        protocol: Protocol::Grpc,
        endpoint: "http://collector:4317".into(),
        headers: Headers::parse("x=1").unwrap(),
        compression: Compression::Gzip,
        timeout: None,
        certificate: Some("/ca.pem".into()),
        identity: Some(Identity { certificate: "/chain.pem".into(), key: "/key.pem".into() }),
    };
    assert_eq!(settings, expected);
}

#[test]
fn an_explicit_endpoint_may_be_a_base_or_the_logs_own() {
    for endpoint in ["https://c.example.com/otlp", "https://c.example.com/otlp/v1/logs"] {
        let explicit = Explicit { endpoint: Some(endpoint.into()), ..Explicit::default() };
        assert_eq!(resolve(&explicit, &[]).unwrap().endpoint, "https://c.example.com/otlp/v1/logs");
    }
}

#[test]
fn flags_go_before_configuration() {
    let flags = Explicit { endpoint: Some("http://flag".into()), ..Explicit::default() };
    let config =
        Explicit { endpoint: Some("http://file".into()), compression: Some(Compression::Gzip), ..Explicit::default() };
    let both = flags.or(config);
    assert_eq!(both.endpoint.as_deref(), Some("http://flag"));
    assert_eq!(both.compression, Some(Compression::Gzip));
}

#[test]
fn a_timeout_of_zero_is_no_limit_and_a_huge_one_is_a_day() {
    for (text, timeout) in [("0", None), ("18446744073709551615", Some(MAX_TIMEOUT))] {
        let settings = of_env(&[("OTEL_EXPORTER_OTLP_TIMEOUT", text)]);
        assert_eq!(settings.timeout, timeout);
    }
}

#[test]
fn every_error_is_told_at_once() {
    let errors = resolve(
        &Explicit { client_key: Some("/key.pem".into()), ..Explicit::default() },
        &[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "yes"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "Bearer hush"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ],
    )
    .unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

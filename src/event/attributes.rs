//! Attribute names. A regex group's name is the attribute's name with `_` for `.`; this table is the whole vocabulary.
//!
//! Semantic-convention names where these have one (OpenTelemetry semantic conventions 1.44), `faultscope.*` where not.

/// How a captured text becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it stands.
    Text,
    /// A decimal number; text that is none is left as text.
    Int,
}

/// A name that a pattern's regex groups may use.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    /// The group's name in a regex.
    pub group: &'static str,
    /// The attribute's name in an event.
    pub attribute: &'static str,
    /// How the text becomes a value.
    pub kind: Kind,
}

const fn text(group: &'static str, attribute: &'static str) -> Capture {
    Capture { group, attribute, kind: Kind::Text }
}

const fn int(group: &'static str, attribute: &'static str) -> Capture {
    Capture { group, attribute, kind: Kind::Int }
}

/// The vocabulary of captures, sorted by group.
pub const CAPTURES: &[Capture] = &[
    text("aws_request_id", "aws.request_id"),
    text("aws_s3_bucket", "aws.s3.bucket"),
    text("aws_s3_key", "aws.s3.key"),
    text("client_address", "client.address"),
    text("cloud_account_id", "cloud.account.id"),
    text("cloud_availability_zone", "cloud.availability_zone"),
    text("cloud_region", "cloud.region"),
    text("cloud_resource_id", "cloud.resource_id"),
    text("code_file_path", "code.file.path"),
    text("code_function_name", "code.function.name"),
    int("code_line_number", "code.line.number"),
    text("container_image_name", "container.image.name"),
    text("db_collection_name", "db.collection.name"),
    text("db_namespace", "db.namespace"),
    text("db_response_status_code", "db.response.status_code"),
    text("detail", "faultscope.detail"),
    text("device", "faultscope.device"),
    text("dns_question_name", "dns.question.name"),
    text("error_type", "error.type"),
    text("exception_message", "exception.message"),
    text("exception_type", "exception.type"),
    text("expected", "faultscope.expected"),
    text("file_path", "file.path"),
    text("found", "faultscope.found"),
    text("host_name", "host.name"),
    text("http_request_method", "http.request.method"),
    int("http_response_status_code", "http.response.status_code"),
    text("k8s_cluster_name", "k8s.cluster.name"),
    text("k8s_configmap_name", "faultscope.k8s.configmap.name"),
    text("k8s_container_name", "k8s.container.name"),
    text("k8s_deployment_name", "k8s.deployment.name"),
    text("k8s_job_name", "k8s.job.name"),
    text("k8s_namespace_name", "k8s.namespace.name"),
    text("k8s_node_name", "k8s.node.name"),
    text("k8s_object_kind", "faultscope.k8s.object.kind"),
    text("k8s_object_name", "faultscope.k8s.object.name"),
    text("k8s_persistentvolumeclaim_name", "k8s.persistentvolumeclaim.name"),
    text("k8s_pod_name", "k8s.pod.name"),
    text("k8s_secret_name", "faultscope.k8s.secret.name"),
    text("k8s_service_name", "k8s.service.name"),
    text("k8s_serviceaccount_name", "faultscope.k8s.serviceaccount.name"),
    text("k8s_storageclass_name", "k8s.storageclass.name"),
    text("limit", "faultscope.limit"),
    text("messaging_consumer_group_name", "messaging.consumer.group.name"),
    text("messaging_destination_name", "messaging.destination.name"),
    text("model_name", "faultscope.model.name"),
    text("model_uri", "faultscope.model.uri"),
    text("model_version", "faultscope.model.version"),
    text("network_peer_address", "network.peer.address"),
    int("network_peer_port", "network.peer.port"),
    text("operation", "faultscope.operation"),
    text("permission", "faultscope.permission"),
    text("process_command", "process.command"),
    int("process_exit_code", "process.exit.code"),
    int("process_pid", "process.pid"),
    text("reason", "faultscope.reason"),
    text("requested", "faultscope.requested"),
    text("response_flags", "faultscope.envoy.response_flags"),
    int("rpc_grpc_status_code", "rpc.grpc.status_code"),
    text("server_address", "server.address"),
    int("server_port", "server.port"),
    text("service_name", "service.peer.name"),
    text("signal", "faultscope.signal"),
    text("tls_server_name", "faultscope.tls.server_name"),
    text("url_domain", "url.domain"),
    text("url_full", "url.full"),
    text("url_path", "url.path"),
    text("url_scheme", "url.scheme"),
    text("user_name", "user.name"),
    text("version", "faultscope.version"),
];

/// The capture of a group's name, if the vocabulary has it.
pub fn capture(group: &str) -> Option<&'static Capture> {
    CAPTURES.binary_search_by(|c| c.group.cmp(group)).ok().map(|i| &CAPTURES[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_sorted_and_unique() {
        assert!(CAPTURES.windows(2).all(|pair| pair[0].group < pair[1].group));
    }
}

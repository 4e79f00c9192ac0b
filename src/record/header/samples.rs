//! Lines of every kind with what a header must be read from them. Their words are the programs' own, their particulars invented.

use super::{Kind, Level};

/// A line and its header; an empty logger or time is none.
pub(crate) struct Sample {
    pub(crate) line: &'static str,
    pub(crate) kind: Kind,
    pub(crate) level: Option<Level>,
    pub(crate) time: &'static str,
    pub(crate) logger: &'static str,
    pub(crate) message: &'static str,
}

const fn sample(
    kind: Kind,
    level: Option<Level>,
    time: &'static str,
    logger: &'static str,
    message: &'static str,
    line: &'static str,
) -> Sample {
    Sample { line, kind, level, time, logger, message }
}

const TRACE: Option<Level> = Some(Level::Trace);
const DEBUG: Option<Level> = Some(Level::Debug);
const INFO: Option<Level> = Some(Level::Info);
const WARN: Option<Level> = Some(Level::Warn);
const ERROR: Option<Level> = Some(Level::Error);
const FATAL: Option<Level> = Some(Level::Fatal);

/// A second: what most samples are logged at.
const T: &str = "2031-03-09T04:05:06Z";

/// The message that is the whole line.
pub(super) const WHOLE: &str = "<whole>";

// One sample a line: a table.
#[rustfmt::skip]
pub(crate) const SAMPLES: &[Sample] = &[
    // zap, as JSON.
    sample(Kind::Zap, ERROR, "2031-02-27T23:06:40.25Z", "setup", "unable to create controller", r#"{"level":"error","ts":1930000000.25,"logger":"setup","msg":"unable to create controller","error":"no matches","stacktrace":"main.main\n\t/src/main.go:9"}"#),
    sample(Kind::Zap, FATAL, "2031-03-09T04:05:06.123456789Z", "webhook", "Version check failed", r#"{"severity":"EMERGENCY","timestamp":"2031-03-09T04:05:06.123456789Z","logger":"webhook","caller":"sharedmain/main.go:287","message":"Version check failed","knative.dev/controller":"a","knative.dev/controller":"b"}"#),
    sample(Kind::Zap, ERROR, T, "controller.provisioner", "Could not schedule pod, incompatible with nodepool \"pears\"", r#"{"level":"ERROR","time":"2031-03-09T04:05:06Z","logger":"controller.provisioner","message":"Could not schedule pod, incompatible with nodepool \"pears\""}"#),
    sample(Kind::Zap, TRACE, T, "", "Request handled", r#"{"level":"Level(-2)","ts":"2031-03-09T04:05:06Z","caller":"requestcontrol/director.go:251","msg":"Request handled"}"#),
    sample(Kind::Zap, INFO, T, "ads", "LDS: PUSH", r#"{"level":"info","time":"2031-03-09T04:05:06Z","scope":"ads","msg":"LDS: PUSH"}"#),
    // Other JSON.
    sample(Kind::Logrus, ERROR, T, "", "finished unary call with code Unknown", r#"{"error":"lstat /tmp/pears: no such file or directory","grpc.code":"Unknown","level":"error","msg":"finished unary call with code Unknown","time":"2031-03-09T04:05:06Z"}"#),
    sample(Kind::Logrus, WARN, T, "", "<nil>", r#"{"level":"warning","msg":"\u003cnil\u003e","time":"2031-03-09T04:05:06Z"}"#),
    sample(Kind::Log4jJson, WARN, "2031-02-27T23:06:40.005Z", "com.ibm.watson.modelmesh.ModelMesh", "Model load failed", r#"{"instant":{"epochSecond":1930000000,"nanoOfSecond":5000000},"thread":"mm-7","level":"WARN","loggerName":"com.ibm.watson.modelmesh.ModelMesh","message":"Model load failed"}"#),
    sample(Kind::Log4jJson, INFO, "2031-02-27T23:06:40Z", "pears.Press", "pressed", r#"{"timeMillis":1930000000000,"level":"INFO","loggerName":"pears.Press","message":"pressed"}"#),
    sample(Kind::Json, INFO, "2031-02-27T23:06:40.123Z", "", "request completed", r#"{"level":30,"time":1930000000123,"pid":1,"res":{"statusCode":200},"msg":"request completed"}"#),
    sample(Kind::Json, WARN, T, "", "no pears", r#"{"event":"no pears","log":{"level":"warning"},"@timestamp":"2031-03-09T04:05:06Z"}"#),
    sample(Kind::Json, None, "", "", WHOLE, r#"{"httpRequest": {"requestMethod": "GET", "status": 502}, "traceId": "]"}"#),
    sample(Kind::Json, ERROR, T, "", WHOLE, r#"{"level":"error","ts":"2031-03-09T04:05:06Z","caller":"ingress/status.go:366","#),
    // Consoles.
    sample(Kind::Console, ERROR, T, "setup", "unable to create controller", "2031-03-09T04:05:06Z\tERROR\tsetup\tunable to create controller\t{\"controller\": \"SeldonDeployment\", \"error\": \"no kind \\\"X\\\"\"}"),
    sample(Kind::Console, ERROR, T, "controller.provisioner", "Could not schedule pod", "2031-03-09T04:05:06Z        ERROR   controller.provisioner  Could not schedule pod   {\"commit\": \"a1b2c3d\"}"),
    sample(Kind::Console, ERROR, T, "controller.provisioning", "Could not launch node, launching instances", "2031-03-09T04:05:06Z ERROR controller.provisioning Could not launch node, launching instances"),
    sample(Kind::Console, INFO, T, "builder", "built", "2031-03-09T04:05:06.000+0000\tINFO\tbuilder\tpress/build.go:31\tbuilt"),
    sample(Kind::Console, WARN, "2031-03-09T04:05:06.123456Z", "ca", "ca request failed, starting attempt 4 in 861ms", "2031-03-09T04:05:06.123456Z\twarn\tca\tca request failed, starting attempt 4 in 861ms"),
    sample(Kind::Console, INFO, T, "", "Envoy proxy is NOT ready: config not received from Pilot", "2031-03-09T04:05:06Z     info    Envoy proxy is NOT ready: config not received from Pilot"),
    sample(Kind::Console, ERROR, T, "access", "connection complete", "2031-03-09T04:05:06Z\terror\taccess\tconnection complete\tdirection=\"outbound\" bytes_sent=954 error=\"connection timed out\""),
    sample(Kind::Console, WARN, T, "press::juice", "no pears", "2031-03-09T04:05:06Z  WARN press::juice: no pears"),
    // klog and its kin.
    sample(Kind::Klog, ERROR, "", "", "Error reconciling cluster object pears; AccessDenied", "E0309 04:05:06.123456       1 controller.go:134] Error reconciling cluster object pears; AccessDenied"),
    sample(Kind::Klog, ERROR, "", "", "Error syncing pod, skipping", r#"E0309 04:05:06.123456    1560 pod_workers.go:951] "Error syncing pod, skipping" err="unmounted volumes=[pears], \"x\"" pod="orchard/pear-0""#),
    sample(Kind::Klog, INFO, "", "cert-manager", "Detected root CA rotation", r#"I0309 04:05:06.123456       1 dynamic_source.go:172] "Detected root CA rotation" logger="cert-manager""#),
    sample(Kind::Klog, ERROR, "", "kubebuilder/controller", "Reconciler error", r#"E0309 04:05:06.123456       1 :0] kubebuilder/controller "msg"="Reconciler error" "error"="no object"  "request"={"Namespace":"orchard","Name":"pear"}"#),
    sample(Kind::Klog, INFO, "", "", "loading: add_one:1", r#"I0309 04:05:06.123456 1 model_lifecycle.cc:473] "loading: add_one:1""#),
    sample(Kind::Klog, WARN, "2031-03-09T04:05:06.123456Z", "", "slow", "W20310309 04:05:06.123456 77 press.cc:5] slow"),
    sample(Kind::Klog, ERROR, T, "", "encountered a filesystem access error", "2031-03-09 04:05:06: E tensorflow_serving/sources/file_system_source.cc:362] encountered a filesystem access error"),
    sample(Kind::Torch, ERROR, "", "", "Exception in aoti_torch: CUDA out of memory.", "[rank3]:[E309 04:05:06.324588983 shim_common.cpp:523] Exception in aoti_torch: CUDA out of memory."),
    sample(Kind::Torch, WARN, "", "", "[c10d] The client socket cannot be initialized", "[W309 04:05:06.324588983 socket.cpp:764] [c10d] The client socket cannot be initialized"),
    // Python.
    sample(Kind::Tornado, INFO, T, "storage", "Copying contents of gs://pears to local", "[I 310309 04:05:06 storage:35] Copying contents of gs://pears to local"),
    sample(Kind::Tornado, WARN, "2031-03-09T04:05:06.123Z", "JupyterHub user", "pear's server never showed up", "[W 2031-03-09 04:05:06.123 JupyterHub user:458] pear's server never showed up"),
    sample(Kind::Python, INFO, "", "root", "Copying contents of s3://pears", "INFO:root:Copying contents of s3://pears"),
    sample(Kind::Python, INFO, "2031-03-09T04:05:06.811Z", "root", "Registering model: pear", "2031-03-09 04:05:06.811 1 root INFO [register_model():187] Registering model: pear"),
    sample(Kind::Python, ERROR, "2031-03-09T04:05:06.425Z", "kserve", "Exception:", "2031-03-09 04:05:06.425 9 kserve ERROR [errors.py:generic_exception_handler():194] Exception:"),
    sample(Kind::Python, INFO, "2031-03-09T04:05:06.338Z", "storage.initializer", "Copying contents of hf://orchard/pear to local", "2031-03-09 04:05:06.338 1 storage.initializer INFO [kserve_storage.py:download():161] Copying contents of hf://orchard/pear to local"),
    sample(Kind::Python, None, "2031-03-09T04:05:06.771Z", "kserve.trace", "requestId: 5, preprocess_ms: 1.2", "2031-03-09 04:05:06.771 74 kserve.trace requestId: 5, preprocess_ms: 1.2"),
    sample(Kind::Python, WARN, "2031-03-09T04:05:06.123Z", "press.juice", "no pears - none", "2031-03-09 04:05:06,123 - press.juice - WARNING - no pears - none"),
    sample(Kind::Python, ERROR, "2031-03-09T04:05:06.940Z", "seldon_core.wrapper:handle_generic_exception:53", "{'status': {'status': 1}}", "2031-03-09 04:05:06,940 - seldon_core.wrapper:handle_generic_exception:53 - ERROR:  {'status': {'status': 1}}"),
    sample(Kind::Python, INFO, "2031-03-09T04:05:06.246Z", "mlserver", "Couldn't load model 'pear'.", "2031-03-09 04:05:06,246 [mlserver][pear] INFO - Couldn't load model 'pear'."),
    sample(Kind::Python, ERROR, "", "mlserver.parallel", "An error occurred calling method 'predict'.", "[mlserver.parallel] ERROR - An error occurred calling method 'predict'."),
    sample(Kind::Python, INFO, T, "kserve_storage.py", "Copying contents of /mnt/pears", "[2031-03-09 04:05:06] INFO kserve_storage.py:161: Copying contents of /mnt/pears"),
    sample(Kind::Python, INFO, "2031-03-09T04:05:06.123Z", "controller", "Building DAG", "2031-03-09 04:05:06.123 | INFO     | controller:run:37 - Building DAG"),
    sample(Kind::Python, WARN, T, "mlflow.store.db.utils", "SQLAlchemy engine could not be created.", "2031/03/09 04:05:06 WARNING mlflow.store.db.utils: SQLAlchemy engine could not be created."),
    sample(Kind::Python, INFO, "", "alembic.runtime.migration", "Will assume non-transactional DDL.", "INFO  [alembic.runtime.migration] Will assume non-transactional DDL."),
    sample(Kind::Python, INFO, T, "diagd", "Host setup OK", "2031-03-09 04:05:06 diagd 1.4.2 [P219TAEW] INFO: Host setup OK"),
    sample(Kind::Uvicorn, INFO, "", "", "Application startup complete.", "INFO:     Application startup complete."),
    sample(Kind::Uvicorn, ERROR, "2031-03-09T04:05:06.429Z", "uvicorn.error", "Exception in ASGI application", "2031-03-09 04:05:06.429 uvicorn.error ERROR:    Exception in ASGI application"),
    sample(Kind::Uvicorn, ERROR, "", "", "Traceback (most recent call last):", "\u{1b}[31mERROR\u{1b}[0m:    Traceback (most recent call last):"),
    sample(Kind::Gunicorn, FATAL, T, "", "WORKER TIMEOUT (pid:999)", "[2031-03-09 04:05:06 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:999)"),
    sample(Kind::Gunicorn, INFO, T, "", "Booting worker with pid: 93", "2031-03-09 04:05:06 [93] [INFO] Booting worker with pid: 93"),
    sample(Kind::Vllm, WARN, "", "scheduler.py", "Sequence group 0 is preempted", "WARNING 03-09 04:05:06 scheduler.py:1057] Sequence group 0 is preempted"),
    sample(Kind::Vllm, ERROR, "", "core.py", "  File \"pear.py\", line 3, in press", "(EngineCore_DP0 pid=16388) ERROR 03-09 04:05:06 [core.py:708]   File \"pear.py\", line 3, in press"),
    sample(Kind::Vllm, INFO, "2031-03-09T04:05:06.491Z", "loggers.py", "Engine 000: idle", "2031-03-09 04:05:06.491 | \u{1b}[1;36m(APIServer pid=20)\u{1b}[0;0m INFO 03-09 04:05:06 [loggers.py:282] Engine 000: idle"),
    sample(Kind::Ray, WARN, "2031-03-09T04:05:06.685Z", "gcs_server", "Reporting worker exit", "[2031-03-09 04:05:06,685 W 921 921] (gcs_server) gcs_worker_manager.cc:55: Reporting worker exit"),
    sample(Kind::Ray, INFO, "2031-03-09T04:05:06.929Z", "", "Object store current usage 8e-09", "[2031-03-09 04:05:06,929 I 17 35] object_store.cc:35: Object store current usage 8e-09"),
    // Requests.
    sample(Kind::HttpAccess, INFO, "", "", WHOLE, r#"INFO:     10.8.0.3:52001 - "POST /v1/completions HTTP/1.1" 500 Internal Server Error"#),
    sample(Kind::HttpAccess, INFO, "2031-03-09T04:05:06.429Z", "uvicorn.access", r#"10.8.0.3:52001 9 - "POST /v1/models/pear%3Apredict HTTP/1.1" 500 Internal Server Error"#, r#"2031-03-09 04:05:06.429 uvicorn.access INFO:     10.8.0.3:52001 9 - "POST /v1/models/pear%3Apredict HTTP/1.1" 500 Internal Server Error"#),
    sample(Kind::HttpAccess, None, "", "", WHOLE, r#"10.8.0.3:1 - "GET /a b HTTP/1.1" 404 Not Found"#),
    sample(Kind::HttpAccess, None, T, "", WHOLE, r#"10.8.0.3 - - [09/Mar/2031:04:05:06 +0000] "GET / HTTP/1.1" 502 559 "-" "curl/8""#),
    sample(Kind::EnvoyAccess, None, T, "", WHOLE, r#"[2031-03-09T04:05:06Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "-" "curl/8" "r-1" "pear" "-" - - 10.8.0.4:80 10.8.0.3:4 - default"#),
    sample(Kind::EnvoyAccess, None, T, "", WHOLE, r#"ACCESS [2031-03-09T04:05:06Z] "GET /pears HTTP/1.1" 503 UF 0 91 31 - "10.8.0.9" "curl/8" "r-1" "pear" "10.8.0.5:80""#),
    sample(Kind::EnvoyAccess, None, T, "", WHOLE, r#"{"authority":"pear","method":"GET","path":"/","response_code":503,"response_flags":"UH","start_time":"2031-03-09T04:05:06Z","user_agent":"-"}"#),
    sample(Kind::Envoy, WARN, "2031-03-09T04:05:06.774Z", "config", "gRPC config stream closed: 14,", "[2031-03-09 04:05:06.774][1][warning][config] [bazel-out/k8-opt/grpc_stream.h:101] gRPC config stream closed: 14,"),
    sample(Kind::Envoy, FATAL, "2031-03-09T04:05:06.774Z", "main", "error initializing configuration", "[Envoy (Epoch 0)] [2031-03-09 04:05:06.774][1][critical][main] external/envoy/source/server/server.cc:101] error initializing configuration"),
    sample(Kind::Envoy, WARN, T, "envoy config", "StreamAggregatedResources gRPC config stream closed: 13,", "2031-03-09T04:05:06Z\twarning\tenvoy config\t[external/grpc_stream.h:92] StreamAggregatedResources gRPC config stream closed: 13,"),
    sample(Kind::Envoy, INFO, T, "envoy runtime", "RTDS has finished initialization", "2031-03-09T04:05:06Z\tinfo\tenvoy runtime external/envoy/source/runtime_impl.cc:463\tRTDS has finished initialization\tthread=27"),
    // Pairs.
    sample(Kind::Logfmt, ERROR, T, "", "forbidden: User \"pear\"", r#"time="2031-03-09T04:05:06Z" level=error msg="forbidden: User \"pear\"" func=wait"#),
    sample(Kind::Logfmt, DEBUG, T, "", "ignore signal", r#"time=2031-03-09T04:05:06Z level=DEBUG msg="ignore signal" argo=true"#),
    sample(Kind::Logfmt, ERROR, T, "", WHOLE, r#"level=error ts=2031-03-09T04:05:06Z caller=main.go:915 err="opening storage failed""#),
    // The JVM.
    sample(Kind::Java, WARN, "2031-03-09T04:05:06.933Z", "io.seldon.engine.App", "no pears", "2031-03-09 04:05:06.933  WARN 1 --- [           main] io.seldon.engine.App                     : no pears"),
    sample(Kind::Java, INFO, "2031-03-09T04:05:06.879Z", "o.s.b.Boot", "Started", "2031-03-09T04:05:06.879Z  INFO 109 --- [pears] [main] o.s.b.Boot : Started"),
    sample(Kind::Java, INFO, "2031-03-09T04:05:06.563Z", "MODEL_LOG", "RuntimeError: istream reader failed", "2031-03-09 04:05:06,563 [INFO ] W-9000-pear_1.0-stdout MODEL_LOG - RuntimeError: istream reader failed"),
    sample(Kind::Java, FATAL, "2031-03-09T04:05:06.943Z", "kafka.server.KafkaServer", "[KafkaServer id=0] Prepare to shutdown", "[2031-03-09 04:05:06,943] FATAL [KafkaServer id=0] Prepare to shutdown (kafka.server.KafkaServer)"),
    sample(Kind::Java, ERROR, "2031-03-09T04:05:06.943Z", "pears.Press", "stuck", "2031-03-09 04:05:06,943 [main] ERROR pears.Press - stuck"),
    sample(Kind::Java, INFO, "", "Configuration", "Setting configuration", "04:05:06.978495908  INFO [                main] :        Configuration : Setting configuration"),
    // Programs with a header of their own.
    sample(Kind::GoStd, None, T, "", "http: proxy error: dial tcp 127.0.0.1:8080: connect: connection refused", "2031/03/09 04:05:06 http: proxy error: dial tcp 127.0.0.1:8080: connect: connection refused"),
    sample(Kind::GoStd, None, T, "", "busy buffer", "[mysql] 2031/03/09 04:05:06 packets.go:427: busy buffer"),
    sample(Kind::Postgres, FATAL, "2031-03-09T04:05:06.297Z", "", "could not write to file \"pears\": No space left on device", "2031-03-09 04:05:06.297 GMT [8440] PANIC:  could not write to file \"pears\": No space left on device"),
    sample(Kind::Postgres, FATAL, T, "", "password authentication failed for user \"pear\"", "2031-03-09 04:05:06 UTC [440]: [9c381181.1b8-2] pear@press,app=[unknown] [28P01] FATAL:  password authentication failed for user \"pear\""),
    sample(Kind::Postgres, INFO, "", "", "database system was interrupted", "2031-03-09 04:05:06.209 EET [34] LOG:  database system was interrupted"),
    sample(Kind::Postgres, None, "2031-03-09T04:05:06.209Z", "", "Role \"pear\" does not exist.", "2031-03-09 04:05:06.209 UTC [34] DETAIL:  Role \"pear\" does not exist."),
    sample(Kind::Nginx, ERROR, T, "", "*342 connect() failed (111: Connection refused)", "2031/03/09 04:05:06 [error] 206#206: *342 connect() failed (111: Connection refused)"),
    sample(Kind::Nginx, FATAL, T, "", "host not found in upstream \"pear\"", "2031/03/09 04:05:06 [emerg] 1#1: host not found in upstream \"pear\""),
    sample(Kind::Redis, WARN, "", "", "Background saving error", "    7392:M 09 Mar 04:05:06.028 # Background saving error"),
    sample(Kind::Redis, INFO, "2031-03-09T04:05:06.028Z", "", "Ready to accept connections", "1:M 09 Mar 2031 04:05:06.028 * Ready to accept connections"),
    sample(Kind::Mysql, ERROR, "2031-03-09T04:05:06.372775Z", "", "InnoDB: Unable to lock ./ibdata1 error: 35", "2031-03-09T04:05:06.372775Z 0 [ERROR] InnoDB: Unable to lock ./ibdata1 error: 35"),
    sample(Kind::Mysql, ERROR, T, "InnoDB", "Unable to lock ./ibdata1 error: 11", "2031-03-09T04:05:06Z 1 [ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11"),
    sample(Kind::Mysql, WARN, T, "", "Access denied for user 'pear'@'10.8.0.3'", "2031-03-09 04:05:06 22 [Warning] Access denied for user 'pear'@'10.8.0.3'"),
    sample(Kind::Etcd, WARN, "2031-03-09T04:05:06.123456Z", "etcdserver", "request took too long", "2031-03-09 04:05:06.123456 W | etcdserver: request took too long"),
    sample(Kind::Etcd, FATAL, T, "etcdmain", "no pears", "2031-03-09 04:05:06 C | etcdmain: no pears"),
    sample(Kind::Librdkafka, ERROR, "2031-02-27T23:06:40.379Z", "FAIL", "[thrd:pear:9092/1]: Connect failed", "%3|1930000000.379|FAIL|press#consumer-1| [thrd:pear:9092/1]: Connect failed"),
    sample(Kind::Librdkafka, DEBUG, "2031-02-27T23:06:40Z", "STATE", "INIT -> CONNECT", "%7|1930000000|STATE|press#consumer-1| INIT -> CONNECT"),
    sample(Kind::Dotnet, ERROR, "", "Pears.Press", "", "fail: Pears.Press[13]"),
    sample(Kind::Dotnet, FATAL, "", "Pears.Press", "An unhandled exception", "crit: Pears.Press[0]\n      An unhandled exception"),
    // Anybody.
    sample(Kind::Generic, ERROR, "", "", "plugin/errors: 2 pear. A: i/o timeout", "[ERROR] plugin/errors: 2 pear. A: i/o timeout"),
    sample(Kind::Generic, FATAL, T, "", "plugin/loop: Seen more than twice, loop detected", "2031/03/09 04:05:06 [FATAL] plugin/loop: Seen more than twice, loop detected"),
    sample(Kind::Generic, ERROR, "", "", "failed to solve: pears", "ERROR: failed to solve: pears"),
    sample(Kind::Generic, INFO, T, "AMBASSADOR", "pear is PID 87", "2031-03-09 04:05:06 AMBASSADOR INFO pear is PID 87"),
    // Prefixes.
    sample(Kind::Logfmt, INFO, T, "", "Config loaded", "2031-03-09T04:05:07Z time=\"2031-03-09 04:05:06\" level=info msg=\"Config loaded\""),
    sample(Kind::Klog, ERROR, T, "", "no pears", "2031-03-09T04:05:06Z E0309 04:05:06.1 1 press.go:9] no pears"),
    sample(Kind::Zap, INFO, T, "", "up", "2031-03-09 04:05:05.464\t{\"level\":\"info\",\"ts\":\"2031-03-09T04:05:06Z\",\"msg\":\"up\"}"),
    sample(Kind::Gunicorn, INFO, T, "", "Worker exiting (pid: 103)", "press-server-1  | [2031-03-09 04:05:06 +0000] [103] [INFO] Worker exiting (pid: 103)"),
    sample(Kind::Zap, INFO, T, "", "up", "orchard/pear-0[queue-proxy]: {\"level\":\"info\",\"ts\":\"2031-03-09T04:05:06Z\",\"msg\":\"up\"}"),
    sample(Kind::Zap, INFO, T, "", "up", "pear-0 queue-proxy {\"level\":\"info\",\"ts\":\"2031-03-09T04:05:06Z\",\"msg\":\"up\"}"),
    sample(Kind::GoStd, None, T, "", "press: up", "[pod/pear-0/press] 2031/03/09 04:05:06 press: up"),
    sample(Kind::Klog, INFO, "", "", "up", "Mar  9 04:05:06 node-3 kubelet[1951]: I0309 04:05:06.602 1951 reconciler.go:207] up"),
    sample(Kind::Python, INFO, T, "server.py", "up", "2031-03-09T04:05:07.119Z [huggingfaceserver] [2031-03-09 04:05:06] INFO server.py:71: up"),
    // None.
    sample(Kind::Plain, None, "", "", WHOLE, "aggressive probe error (failed 202 times): dial tcp 127.0.0.1:8080: connect: connection refused"),
    sample(Kind::Plain, None, "", "", WHOLE, "Traceback (most recent call last):"),
    sample(Kind::Plain, None, "", "", WHOLE, "    raise RuntimeError(\"INFO: no pears\")"),
    sample(Kind::Plain, None, "", "", WHOLE, "RuntimeError: NCCL error: unhandled system error"),
    sample(Kind::Plain, None, "", "", WHOLE, "Error: UPGRADE FAILED: another operation is in progress"),
    sample(Kind::Plain, None, "", "", WHOLE, "{'status': {'status': 1}}"),
    sample(Kind::Plain, None, "", "", WHOLE, "LOGGING is off, INFORMATION is on"),
    sample(Kind::Plain, None, T, "", WHOLE, "2031-03-09T04:05:06Z no level in sight"),
    sample(Kind::Plain, None, "", "", WHOLE, ""),
];

//! Whose log a file is, by its path.
//!
//! Holds the two layouts that the kubelet makes, looked for at the end of a path so that a copied tree serves as well:
//! `<namespace>_<pod>_<uid>/<container>/<restart>.log` of `/var/log/pods`, with the suffixes of rotation, and the symlink
//! names `<pod>_<namespace>_<container>-<id>.log` of `/var/log/containers`. Touches no file system.

/// The longest file name that the kubelet makes: longer symlink names lose the end of their id.
const NAME_LIMIT: usize = 255;
/// Hex digits of a container's id.
const ID_DIGITS: usize = 64;
/// Fewer digits of a cut id could as well be the end of the container's name.
const ID_DIGITS_MIN: usize = 12;

/// What a path says of the container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogPath {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The pod's uid; for a static pod the hash of its configuration, 32 hex digits. A symlink's name has none.
    pub uid: Option<String>,
    /// The container's name.
    pub container: String,
    /// How often the container had been restarted. A symlink's name doesn't say.
    pub restart: Option<u32>,
    /// The file was rotated away: nothing is written to it any more but by a runtime that hasn't noticed yet.
    pub rotated: bool,
    /// The container's id, 64 hex digits, where a symlink's name has it whole.
    pub container_id: Option<String>,
}

impl LogPath {
    /// What stays the same wherever the log is read, and however its file is rotated.
    pub fn identity(&self) -> String {
        let restart = self.restart.map(|restart| restart.to_string()).unwrap_or_default();
        let uid = self.uid.as_deref().or(self.container_id.as_deref()).unwrap_or_default();
        format!("{}/{}/{uid}/{}/{restart}", self.namespace, self.pod, self.container)
    }
}

/// Reads a path, absolute or not; `None` if its end isn't of either layout.
pub fn parse(path: &str) -> Option<LogPath> {
    let mut parts = path.rsplit('/');
    let file = parts.next()?;
    symlink(file).or_else(|| {
        let container = parts.next()?;
        pod_log(parts.next()?, container, file)
    })
}

fn pod_log(folder: &str, container: &str, file: &str) -> Option<LogPath> {
    let [namespace, pod, uid] = in_three(folder)?;
    let (restart, rotated) = file_name(file)?;
    let valid = is_name(namespace) && is_name(pod) && is_uid(uid) && is_name(container);
    valid.then(|| LogPath {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        uid: Some(uid.to_owned()),
        container: container.to_owned(),
        restart: Some(restart),
        rotated,
        container_id: None,
    })
}

fn symlink(file: &str) -> Option<LogPath> {
    let [pod, namespace, last] = in_three(file.strip_suffix(".log")?)?;
    let (container, id) = last.rsplit_once('-')?;
    let whole = id.len() == ID_DIGITS;
    let cut = file.len() == NAME_LIMIT && (ID_DIGITS_MIN..ID_DIGITS).contains(&id.len());
    let valid = is_name(pod) && is_name(namespace) && is_name(container) && is_hex(id) && (whole || cut);
    valid.then(|| LogPath {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        uid: None,
        container: container.to_owned(),
        restart: None,
        rotated: false,
        container_id: whole.then(|| id.to_owned()),
    })
}

/// `<n>.log`, `<n>.log.YYYYMMDD-HHMMSS` or the latter with `.gz`: the number, and whether it was rotated.
fn file_name(file: &str) -> Option<(u32, bool)> {
    let (number, suffix) = file.split_once(".log")?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let restart = if digits {
        number.parse().ok()?
    } else {
        return None;
    };
    match suffix.strip_suffix(".gz").unwrap_or(suffix) {
        "" => Some((restart, suffix == ".gz")),
        stamp => is_rotation(stamp.strip_prefix('.')?).then_some((restart, true)),
    }
}

fn is_rotation(stamp: &str) -> bool {
    stamp.len() == 15
        && stamp.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'-' } else { byte.is_ascii_digit() })
}

/// Names of Kubernetes objects have no `_`, so the parts between them are certain.
fn in_three(name: &str) -> Option<[&str; 3]> {
    let mut parts = name.split('_');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')) && name != ".."
}

fn is_uid(uid: &str) -> bool {
    match uid.len() {
        32 => is_hex(uid),
        36 => uid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        }),
        _ => false,
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

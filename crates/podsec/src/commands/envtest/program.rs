//! The names under which podsec is another program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use super::{etcd, kube_apiserver};

/// A program that podsec stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Kubernetes' API server.
    KubeApiserver,
    /// The store of Kubernetes' API server.
    Etcd,
}

impl Program {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::KubeApiserver, Self::Etcd];

    /// The program that this process was started as, if it is not podsec itself.
    pub(crate) fn called() -> Option<Self> {
        Self::named(&env::args_os().next()?)
    }

    fn named(path: &OsStr) -> Option<Self> {
        let name = Path::new(path).file_name()?;
        Self::ALL.into_iter().find(|program| name == program.name())
    }

    /// The file's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KubeApiserver => "kube-apiserver",
            Self::Etcd => "etcd",
        }
    }

    /// Runs it with the arguments of this process.
    pub(crate) fn run(self) -> ExitCode {
        let words: Vec<OsString> = env::args_os().skip(1).collect();
        match self {
            Self::KubeApiserver => kube_apiserver::run(&words),
            Self::Etcd => etcd::run(&words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_says_which_program_it_is() {
        let named = |path: &str| Program::named(OsStr::new(path));
        assert_eq!(named("/assets/kube-apiserver"), Some(Program::KubeApiserver));
        assert_eq!(named("etcd"), Some(Program::Etcd));
        assert_eq!(named("/usr/bin/podsec"), None);
        assert_eq!(named("/assets/etcd/podsec"), None);
    }
}

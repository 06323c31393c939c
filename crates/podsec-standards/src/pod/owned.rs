//! Pods that borrow nothing.

use std::borrow::Cow;

use super::container::{Hooks, Port, Target};
use super::list::List;
use super::metadata::{Annotations, Metadata, OwnerReference};
use super::model::{Os, Pod, Spec};
use super::security_context::{Capabilities, PodSecurityContext, ProfileKind, SecurityContext, Sysctl};
use super::volume::Volume;
use super::{Container, Handler, Lifecycle, Profile, SeLinuxOptions, WindowsOptions};

impl Pod<'_> {
    /// The same pod, borrowing nothing.
    pub fn into_owned(self) -> Pod<'static> {
        self.owned()
    }
}

/// What can be made to borrow nothing.
trait Owned {
    type Owned;

    /// The same, with a copy of what was borrowed.
    fn owned(self) -> Self::Owned;
}

impl Owned for Cow<'_, str> {
    type Owned = Cow<'static, str>;

    fn owned(self) -> Cow<'static, str> {
        Cow::Owned(self.into_owned())
    }
}

impl<T: Owned> Owned for Option<T> {
    type Owned = Option<T::Owned>;

    fn owned(self) -> Self::Owned {
        self.map(Owned::owned)
    }
}

impl<T: Owned> Owned for Box<T> {
    type Owned = Box<T::Owned>;

    fn owned(self) -> Self::Owned {
        Box::new((*self).owned())
    }
}

impl<T: Owned> Owned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn owned(self) -> Self::Owned {
        self.into_iter().map(Owned::owned).collect()
    }
}

impl<T: Owned> Owned for List<T> {
    type Owned = List<T::Owned>;

    fn owned(self) -> Self::Owned {
        match self {
            Self::Empty => List::Empty,
            Self::One(element) => List::One(element.owned()),
            Self::Many(elements) => List::Many(elements.owned()),
        }
    }
}

macro_rules! own_nothing {
    ($($type:ty),*) => {
        $(impl Owned for $type {
            type Owned = Self;

            fn owned(self) -> Self {
                self
            }
        })*
    };
}

/// The compiler names the field that is left out.
macro_rules! own_fields {
    ($($type:ident { $($field:ident),* })*) => {
        $(impl Owned for $type<'_> {
            type Owned = $type<'static>;

            fn owned(self) -> $type<'static> {
                $type { $($field: self.$field.owned()),* }
            }
        })*
    };
}

own_nothing!(bool, i64, u32, Port, WindowsOptions);

own_fields! {
    Pod { metadata, spec }
    Metadata { name, annotations, owners }
    OwnerReference { uid, controller }
    Spec {
        containers, init_containers, ephemeral_containers, volumes, security_context, host_network, host_pid, host_ipc,
        host_users, os, runtime_class_name
    }
    Os { name }
    Container { name, image, security_context, ports, hooks }
    Hooks { liveness_probe, readiness_probe, startup_probe, lifecycle }
    Lifecycle { post_start, pre_stop }
    Handler { http_get, tcp_socket }
    Target { host }
    PodSecurityContext {
        run_as_non_root, run_as_user, seccomp_profile, app_armor_profile, se_linux_options, windows_options, sysctls
    }
    SecurityContext {
        privileged, allow_privilege_escalation, run_as_non_root, run_as_user, proc_mount, capabilities, seccomp_profile,
        app_armor_profile, se_linux_options, windows_options
    }
    Capabilities { add, drop }
    Profile { kind }
    SeLinuxOptions { kind, user, role }
    Sysctl { name }
    Volume { name, sources }
}

impl Owned for Annotations<'_> {
    type Owned = Annotations<'static>;

    fn owned(self) -> Annotations<'static> {
        Annotations(self.0.into_iter().map(|(key, value)| (key, value.owned())).collect())
    }
}

impl Owned for ProfileKind<'_> {
    type Owned = ProfileKind<'static>;

    fn owned(self) -> ProfileKind<'static> {
        match self {
            Self::RuntimeDefault => ProfileKind::RuntimeDefault,
            Self::Localhost => ProfileKind::Localhost,
            Self::Other(kind) => ProfileKind::Other(kind.owned()),
        }
    }
}

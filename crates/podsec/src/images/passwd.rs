//! `/etc/passwd` of an image.

use podsec_manifest::images::NamedUser;

/// The users of an image.
pub(super) struct Passwd(Vec<NamedUser>);

impl Passwd {
    /// Reads `name:password:uid:gid:…` line by line; a line that is none is left out, as the C library does.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let user = |line: &str| {
            let mut fields = line.split(':');
            let (name, uid, gid) =
                (fields.next()?, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (!name.is_empty()).then(|| NamedUser { name: name.to_owned(), uid, gid })
        };
        Self(text.lines().filter_map(user).collect())
    }

    /// The user of a name.
    pub(super) fn named(&self, name: &str) -> Option<&NamedUser> {
        self.0.iter().find(|user| user.name == name)
    }
}

/// The user besides root that an image seems to be made for: the one that is called as the image is, else the only one that
/// was added for people or programs. Of several, and of those that every distribution brings, none is guessed.
pub(super) fn made_for(users: &Passwd, reference: &str) -> Option<NamedUser> {
    let path = reference.split('@').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default();
    let fits = |user: &&NamedUser| user.uid > 0 && user.uid <= i64::from(i32::MAX);
    let same = users.0.iter().filter(fits).find(|user| user.name == name);
    let mut added = users.0.iter().filter(fits).filter(|user| (FIRST_ADDED..NOBODY).contains(&user.uid));
    let only = match (added.next(), added.next()) {
        (Some(user), None) => Some(user),
        _ => None,
    };
    same.or(only).cloned()
}

/// Debian, Alpine and Red Hat give the users that are added numbers from here on, and `nobody` the last.
const FIRST_ADDED: i64 = 1000;
const NOBODY: i64 = 65534;

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/:\nnobody:x:65534:65534::/:\n";

    fn found(more: &str, reference: &str) -> Option<(String, i64, i64)> {
        let users = Passwd::parse([DEBIAN, more].concat().as_bytes());
        made_for(&users, reference).map(|user| (user.name, user.uid, user.gid))
    }

    #[test]
    fn the_user_called_as_the_image_or_the_only_one_added_is_taken_and_no_other() {
        let nginx = Some(("nginx".to_owned(), 101, 102));
        assert_eq!(found("nginx:x:101:102::/:\n", "docker.io/library/nginx:1.27"), nginx);
        assert_eq!(found("nginx:x:101:102::/:\n", "docker.io/acme/web:1"), None);
        assert_eq!(found("app:x:1000:1000::/:\n", "x/web:1"), Some(("app".to_owned(), 1000, 1000)));
        assert_eq!(found("a:x:1000:1::/:\nb:x:1001:1::/:\n", "x/web:1"), None);
        assert_eq!(found("root2:x:0:0::/:\nbad line\n:x:5:5::\nx:x:y:1\n", "x/web"), None);
    }
}

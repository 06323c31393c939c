//! Tokens that are known from the start: the administrator's own, and those of a `--token-auth-file`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::request::User;

/// The known tokens.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<Vec<u8>, User>);

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot use the token file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A line is not `token,user,uid` with optional groups.
    #[error("token file {} line {line}: want token,user name,user uid[,\"group1,group2\"]", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
}

impl Tokens {
    /// Makes `token` name `user`.
    pub fn insert(&mut self, token: &str, user: User) {
        self.0.insert(token.as_bytes().to_vec(), user);
    }

    /// The user that `token` names.
    pub fn user(&self, token: &[u8]) -> Option<User> {
        self.0.get(token).cloned()
    }

    /// Adds the users of a token file, in kube-apiserver's CSV form. Empty lines are skipped.
    ///
    /// # Errors
    /// When the file cannot be read, or a line lacks token, name or uid.
    pub fn load(&mut self, path: &Path) -> Result<(), Error> {
        let text =
            fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let fields = csv_fields(line);
            let [token, name, uid, rest @ ..] = fields.as_slice() else {
                return Err(Error::Line { path: path.to_owned(), line: index + 1 });
            };
            if token.is_empty() {
                return Err(Error::Line { path: path.to_owned(), line: index + 1 });
            }
            let groups: Vec<&str> = match rest.first() {
                Some(groups) if !groups.is_empty() => groups.split(',').collect(),
                _ => Vec::new(),
            };
            self.insert(token, User { uid: uid.clone(), ..User::new(name, &groups) });
        }
        Ok(())
    }
}

/// The fields of one CSV line; quotes protect commas and double themselves.
fn csv_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else { break };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other if field.is_empty() && !quoted && other == ' ' => {}
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_in_quotes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "t1,admin,uid-1,\"system:masters,x\"\n\nt2,joe,uid-2\n").unwrap();
        let mut tokens = Tokens::default();
        tokens.load(file.path()).unwrap();
        let admin = tokens.user(b"t1").unwrap();
        assert_eq!((admin.uid.as_str(), admin.groups.len()), ("uid-1", 2));
        assert_eq!(tokens.user(b"t2").unwrap().name, "joe");
        assert_eq!(tokens.user(b"t3"), None);
    }

    #[test]
    fn a_short_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "t1,admin,uid\nt2,joe\n").unwrap();
        let error = Tokens::default().load(file.path()).unwrap_err();
        assert!(error.to_string().contains("line 2:"), "{error}");
    }
}

//! `podsec serve snapshot`: copies of the database of `podsec serve`, which must be stopped meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use podsec_storage::snapshot::{Statistics, restore, save, statistics};

/// Copies of the database.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Copy the database to a file, verified and without the room that it does not need.
    ///
    /// The server must be stopped: a running one holds the database. The file holds Secrets; the certificate authority, the
    /// signing key and the token are files of the data directory and not in it.
    #[command(after_long_help = include_str!("../help/serve-snapshot-save.txt"))]
    Save(SaveArguments),
    /// Put a copy where a server looks for its database.
    ///
    /// The database goes on a billion revisions later, and watches from before that are answered 410, so that no client
    /// takes an object for one that it has seen. A database that is there already is not replaced.
    #[command(after_long_help = include_str!("../help/serve-snapshot-restore.txt"))]
    Restore(RestoreArguments),
    /// Read all of a copy, or of a database, and say whether it is whole.
    ///
    /// Looks at the checksum of every page, and whether the records are some that a server could have written, one after
    /// the other.
    #[command(after_long_help = include_str!("../help/serve-snapshot-verify.txt"))]
    Verify(FileArguments),
    /// Say what a copy, or a database, holds: objects and bytes by resource, revisions, history.
    ///
    /// Reads all of it, as verify does. The size of the file is beside what it holds, so that one sees when there is room
    /// in it that nobody needs.
    #[command(after_long_help = include_str!("../help/serve-snapshot-stats.txt"))]
    Stats(FileArguments),
}

#[derive(Clone, Debug, Args)]
struct SaveArguments {
    /// The data directory of podsec serve.
    #[arg(long, default_value = "./podsec-data", value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// Where to write the copy; nothing may be there.
    file: PathBuf,
}

#[derive(Clone, Debug, Args)]
struct RestoreArguments {
    /// The data directory of podsec serve; made when it is not there.
    #[arg(long, default_value = "./podsec-data", value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// The copy.
    file: PathBuf,
}

#[derive(Clone, Debug, Args)]
struct FileArguments {
    /// The copy, or the podsec.redb of a server that is stopped.
    file: PathBuf,
}

/// Does what the subcommand says.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.command {
        Command::Save(SaveArguments { data_dir, file }) => {
            let saved = save(&data_dir.join(DATABASE), file)?;
            format!("saved {} to {}\n", summary(&saved), file.display())
        }
        Command::Restore(RestoreArguments { data_dir, file }) => {
            make_directory(data_dir)?;
            let restored = restore(file, &data_dir.join(DATABASE))?;
            format!("restored {} to {}\n", summary(&restored), data_dir.display())
        }
        Command::Verify(FileArguments { file }) => {
            format!("{} is whole: {}\n", file.display(), summary(&statistics(file)?))
        }
        Command::Stats(FileArguments { file }) => table(&statistics(file)?),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// For its owner alone: Secrets are in there.
fn make_directory(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make {}", path.display()))
}

fn summary(statistics: &Statistics) -> String {
    let Statistics { keys, revision, file_bytes, .. } = statistics;
    format!("{} objects at revision {revision} ({file_bytes} bytes)", keys.len())
}

/// A line for each resource, the one with the most bytes first, and the sums below.
fn table(statistics: &Statistics) -> String {
    let mut resources: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (key, bytes) in &statistics.keys {
        let (objects, sum) = resources.entry(resource(key)).or_default();
        (*objects, *sum) = (*objects + 1, *sum + bytes);
    }
    let mut rows: Vec<_> = resources.into_iter().collect();
    rows.sort_by_key(|(_, (_, bytes))| std::cmp::Reverse(*bytes));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("RESOURCE".len());
    let mut text = format!("{:width$}  {:>9}  {:>12}\n", "RESOURCE", "OBJECTS", "BYTES");
    for (name, (objects, bytes)) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:width$}  {objects:>9}  {bytes:>12}");
    }
    let Statistics { revision, oldest, live_bytes, history_bytes, file_bytes, .. } = statistics;
    let _ = writeln!(
        text,
        "\nrevision {revision}, readable from {oldest} on\n\
         {live_bytes} bytes of keys and values, {history_bytes} of history, {file_bytes} in the file"
    );
    text
}

/// The resource of a key: `pods` of `/registry/pods/default/web`, `example.com/things` of a custom one.
fn resource(key: &str) -> &str {
    let rest = key.strip_prefix("/registry/").unwrap_or(key);
    let end_of = |from: usize| rest[from..].find('/').map_or(rest.len(), |end| from + end);
    let first = end_of(0);
    let is_group = rest[..first].contains('.') || matches!(&rest[..first], "services");
    if is_group && first < rest.len() { &rest[..end_of(first + 1)] } else { &rest[..first] }
}

/// The database in a data directory.
const DATABASE: &str = "podsec.redb";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_counted_for_its_resource() {
        for (key, expected) in [
            ("/registry/pods/default/web", "pods"),
            ("/registry/namespaces/default", "namespaces"),
            ("/registry/services/specs/default/web", "services/specs"),
            ("/registry/example.com/things/default/a", "example.com/things"),
            ("/registry/podsec.dev/credentials", "podsec.dev/credentials"),
            ("odd", "odd"),
        ] {
            assert_eq!(resource(key), expected);
        }
    }
}

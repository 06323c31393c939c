//! A file that is put aside when it is full, as lumberjack does for kube-apiserver.
//!
//! ```text
//! audit.log ─ full ─► audit-2026-11-21T19-41-32.253.log ─ compress ─► ….log.gz
//!                          └─ beyond maxbackup, or older than maxage: removed
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::contract::Error;
use super::options::LogOptions;

/// When to put a file aside, and what to keep.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    size: u64,
    backups: usize,
    age: Option<SignedDuration>,
    compress: bool,
}

impl Limits {
    pub(super) fn new(options: &LogOptions) -> Self {
        let megabytes = if options.max_size == 0 { DEFAULT_MEGABYTES } else { options.max_size };
        Self {
            size: u64::from(megabytes) * 1024 * 1024,
            backups: options.max_backups as usize,
            age: (options.max_age > 0).then(|| SignedDuration::from_hours(24 * i64::from(options.max_age))),
            compress: options.compress,
        }
    }
}

/// The current file. One process writes it.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    limits: Limits,
    file: File,
    size: u64,
    /// The clean-up of put-aside files runs beside the writers.
    cleaning: Option<JoinHandle<()>>,
}

impl RotatingFile {
    pub(super) fn open(path: PathBuf, limits: Limits) -> io::Result<Self> {
        let file = create(&path, OWNER_ONLY)?;
        let size = file.metadata()?.len();
        let mut opened = Self { path, limits, file, size, cleaning: None };
        opened.clean();
        Ok(opened)
    }

    /// Appends a line, in a new file when this one has no room for it.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        let length = line.len() as u64;
        if length > self.limits.size {
            return Err(Error::TooLong { length, limit: self.limits.size });
        }
        if self.size + length > self.limits.size {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(line) {
            // A torn line would spoil the next one too. When even this fails, the next line starts a new one.
            let _ = self.file.set_len(self.size);
            return Err(error.into());
        }
        self.size += length;
        Ok(())
    }

    /// Waits for the disk, and for the clean-up.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.wait();
        self.file.sync_data()
    }

    fn rotate(&mut self) -> io::Result<()> {
        let permissions = self.file.metadata()?.permissions();
        let mut time = Timestamp::now();
        let mut backup = backup_path(&self.path, time);
        // Upstream would overwrite a file that was put aside in the same millisecond.
        while backup.exists() || compressed(&backup).exists() {
            time = time.checked_add(SignedDuration::from_millis(1)).map_err(io::Error::other)?;
            backup = backup_path(&self.path, time);
        }
        match fs::rename(&self.path, &backup) {
            // The file was taken away, or an earlier rotation stopped here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
        self.file = create(&self.path, OWNER_ONLY)?;
        self.file.set_permissions(permissions)?;
        self.size = 0;
        self.clean();
        Ok(())
    }

    fn clean(&mut self) {
        self.wait();
        let (path, limits) = (self.path.clone(), self.limits.clone());
        if limits.backups == 0 && limits.age.is_none() && !limits.compress {
            return;
        }
        let cleaning = std::thread::Builder::new().name("audit log clean-up".to_owned()).spawn(move || {
            if let Err(error) = clean(&path, &limits, Timestamp::now()) {
                tracing::warn!(path = %path.display(), %error, "cannot clean up rotated audit logs");
            }
        });
        self.cleaning = cleaning.ok();
    }

    fn wait(&mut self) {
        if let Some(cleaning) = self.cleaning.take() {
            // A panic there is no reason to stop writing.
            let _ = cleaning.join();
        }
    }
}

impl Drop for RotatingFile {
    fn drop(&mut self) {
        self.wait();
    }
}

/// Removes and compresses what was put aside.
fn clean(path: &Path, limits: &Limits, now: Timestamp) -> io::Result<()> {
    let mut backups = backups(path)?;
    backups.sort_by(|(earlier, _), (later, _)| later.cmp(earlier));
    let oldest = limits.age.and_then(|age| now.checked_sub(age).ok());
    let mut times: Vec<Timestamp> = Vec::new();
    for (time, backup) in backups {
        if times.last() != Some(&time) {
            times.push(time);
        }
        let surplus = limits.backups > 0 && times.len() > limits.backups;
        let too_old = oldest.is_some_and(|oldest| time < oldest);
        if surplus || too_old {
            fs::remove_file(&backup)?;
        } else if limits.compress && backup.extension().is_none_or(|extension| extension != "gz") {
            compress(&backup)?;
        }
    }
    Ok(())
}

/// The files that were put aside, plain and compressed, with the time in their names. Others are left alone.
fn backups(path: &Path) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let (stem, extension) = parts(path);
    let mut backups = Vec::new();
    for entry in fs::read_dir(folder(path))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let plain = name.strip_suffix(".gz").filter(|_| extension != ".gz").unwrap_or(&name);
        let stamp = plain.strip_prefix(&format!("{stem}-")).and_then(|rest| rest.strip_suffix(&extension));
        if let Some(time) = stamp.and_then(parse_stamp) {
            backups.push((time, entry.path()));
        }
    }
    Ok(backups)
}

fn compress(backup: &Path) -> io::Result<()> {
    let target = compressed(backup);
    let mut source = File::open(backup)?;
    let mut encoder = flate2::write::GzEncoder::new(create_new(&target)?, flate2::Compression::default());
    let copied = io::copy(&mut source, &mut encoder).and_then(|_| encoder.finish()?.sync_all());
    match copied {
        Ok(()) => fs::remove_file(backup),
        Err(error) => {
            fs::remove_file(&target)?;
            Err(error)
        }
    }
}

fn backup_path(path: &Path, time: Timestamp) -> PathBuf {
    let (stem, extension) = parts(path);
    folder(path).join(format!("{stem}-{}{extension}", time.strftime(STAMP)))
}

fn compressed(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

fn parse_stamp(stamp: &str) -> Option<Timestamp> {
    // Shorter and longer stamps are not ours, however well they parse.
    let time =
        DateTime::strptime(STAMP, stamp).ok().filter(|_| stamp.len() == "2026-11-21T19-41-32.253".len())?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Name and extension; only what follows the last dot is one.
fn parts(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.rfind('.') {
        Some(dot) => {
            let (stem, extension) = name.split_at(dot);
            (stem.to_owned(), extension.to_owned())
        }
        None => (name, String::new()),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // A pipe that nobody reads cannot be opened for writing alone without waiting for a reader.
    #[cfg(unix)]
    if fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        options.read(true);
    }
    set_mode(&mut options, mode);
    options.open(path)
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    set_mode(&mut options, OWNER_ONLY);
    options.open(path)
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
}

#[cfg(not(unix))]
fn set_mode(_: &mut OpenOptions, _: u32) {}

const DEFAULT_MEGABYTES: u32 = 100;
const OWNER_ONLY: u32 = 0o600;
const STAMP: &str = "%Y-%m-%dT%H-%M-%S.%3f";

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    fn limits(size: u64) -> Limits {
        Limits { size, backups: 0, age: None, compress: false }
    }

    #[test]
    fn lines_are_never_split_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let mut file = RotatingFile::open(path.clone(), limits(20)).unwrap();
        for line in ["12345678\n", "12345678\n", "1\n", "a long line of 20..\n", "x\n"] {
            file.write(line.as_bytes()).unwrap();
        }
        let error = file.write(&[b'x'; 21]).unwrap_err();
        assert_eq!(error.to_string(), "write length 21 exceeds maximum file size 20");
        let names = names(folder.path());
        assert_eq!(names.len(), 3, "{names:?}");
        let contents: Vec<_> =
            names.iter().map(|name| fs::read_to_string(folder.path().join(name)).unwrap()).collect();
        assert_eq!(contents, ["12345678\n12345678\n1\n", "a long line of 20..\n", "x\n"]);
    }

    #[test]
    fn a_file_keeps_its_mode_and_its_size_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        RotatingFile::open(path.clone(), limits(20)).unwrap().write(b"123456789012345\n").unwrap();
        let mut again = RotatingFile::open(path.clone(), limits(20)).unwrap();
        again.write(b"12345\n").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn names_carry_the_time_before_the_last_extension() {
        let time: Timestamp = "2026-11-21T19:41:32.253987Z".parse().unwrap();
        let name = |path: &str| backup_path(Path::new(path), time).to_string_lossy().into_owned();
        assert_eq!(name("/var/log/audit.log"), "/var/log/audit-2026-11-21T19-41-32.253.log");
        assert_eq!(name("/var/log/audit.1.log"), "/var/log/audit.1-2026-11-21T19-41-32.253.log");
        assert_eq!(name("/var/log/audit"), "/var/log/audit-2026-11-21T19-41-32.253");
        assert_eq!(parse_stamp("2026-11-21T19-41-32.253"), "2026-11-21T19:41:32.253Z".parse().ok());
        assert_eq!(parse_stamp("2026-11-21"), None);
    }

    #[test]
    fn surplus_and_old_files_go_and_the_rest_is_compressed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for name in [
            "audit.log",
            "audit-2026-11-01T00-00-00.000.log",
            "audit-2026-11-18T00-00-00.000.log",
            "audit-2026-11-19T00-00-00.000.log.gz",
            "audit-2026-11-20T00-00-00.000.log",
            "audit-2026-11-20T00-00-00.000.log.bak",
            "audit-yesterday.log",
            "other-2026-11-20T00-00-00.000.log",
        ] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let age = Some(SignedDuration::from_hours(24 * 7));
        let limits = Limits { size: 1, backups: 3, age, compress: true };
        clean(&path, &limits, now).unwrap();
        assert_eq!(
            names(folder.path()),
            [
                "audit-2026-11-18T00-00-00.000.log.gz",
                "audit-2026-11-19T00-00-00.000.log.gz",
                "audit-2026-11-20T00-00-00.000.log.bak",
                "audit-2026-11-20T00-00-00.000.log.gz",
                "audit-yesterday.log",
                "audit.log",
                "other-2026-11-20T00-00-00.000.log",
            ]
        );
        clean(&path, &Limits { backups: 1, ..limits.clone() }, now).unwrap();
        assert_eq!(names(folder.path()).iter().filter(|name| name.contains(".log.gz")).count(), 1);
        let unpacked = File::open(folder.path().join("audit-2026-11-20T00-00-00.000.log.gz")).unwrap();
        let unpacked = io::read_to_string(flate2::read::GzDecoder::new(unpacked)).unwrap();
        assert_eq!(unpacked, "audit-2026-11-20T00-00-00.000.log");
    }
}

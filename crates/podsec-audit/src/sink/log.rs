//! Events as lines of a file or of standard output.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::contract::{Error, Sink};
use super::options::{Format, LogOptions};
use super::rotation::{Limits, RotatingFile};
use crate::system_error::system_error;
use crate::{Event, legacy};

/// The log cannot be written: an error of start-up.
#[derive(Debug, thiserror::Error)]
#[error("ensureLogFile: {step} {}: {}", path.display(), system_error(source))]
pub struct OpenError {
    step: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The log backend. A line is written whole, or not at all, before [`Sink::write`] returns.
#[derive(Debug)]
pub struct Log {
    format: Format,
    output: Output,
}

#[derive(Debug)]
enum Output {
    Standard,
    File(Mutex<RotatingFile>),
}

impl Log {
    /// Opens the log for appending; missing folders (0700) and the file (0600) are created.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub fn open(options: &LogOptions) -> Result<Self, OpenError> {
        if options.path == Path::new("-") {
            return Ok(Self { format: options.format, output: Output::Standard });
        }
        let failed = |step, path: &Path| {
            let path = path.to_owned();
            move |source| OpenError { step, path, source }
        };
        if let Some(folder) = options.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_folder(folder).map_err(failed("mkdir", folder))?;
        }
        let file = RotatingFile::open(options.path.clone(), Limits::new(options))
            .map_err(failed("open", &options.path))?;
        Ok(Self { format: options.format, output: Output::File(Mutex::new(file)) })
    }
}

impl Sink for Log {
    fn plugin(&self) -> &'static str {
        "log"
    }

    fn write(&self, event: &Event) -> Result<(), Error> {
        let line = match self.format {
            Format::Json => event.to_line()?,
            Format::Legacy => (legacy::line(event) + "\n").into_bytes(),
        };
        match &self.output {
            Output::Standard => {
                let mut output = io::stdout().lock();
                output.write_all(&line)?;
                output.flush()?;
                Ok(())
            }
            Output::File(file) => file.lock().unwrap_or_else(PoisonError::into_inner).write(&line),
        }
    }

    fn flush(&self) -> Result<(), Error> {
        match &self.output {
            Output::Standard => Ok(io::stdout().lock().flush()?),
            Output::File(file) => Ok(file.lock().unwrap_or_else(PoisonError::into_inner).flush()?),
        }
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

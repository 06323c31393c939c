//! Reading a log of any shape never panics, and what is read does not depend on how much comes at a time.

#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use podsec_analysis::LogReader;
use podsec_analysis::audit_log::AuditSummary;
use podsec_analysis::replay::{Replay, ReplayOptions};
use podsec_standards::{Level, Policy, Version};

fuzz_target!(|input: &[u8]| {
    let read = |capacity: usize| {
        let policy = Some(Policy::new(Level::Restricted, Version::Latest));
        let mut replay = Replay::new(ReplayOptions { policy, ..ReplayOptions::default() });
        let mut summary = AuditSummary::default();
        let mut reader = LogReader::default();
        let text = BufReader::with_capacity(capacity, input);
        reader
            .read(text, &mut |event| {
                replay.event(event);
                summary.event(event);
            })
            .expect("memory can be read");
        (replay.met, replay.counts, summary.rows, reader.counts)
    };
    assert_eq!(read(4096), read(3));
});

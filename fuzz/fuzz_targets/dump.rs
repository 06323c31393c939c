//! Planning a dump never panics, and a planned level refuses nothing that was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_analysis::{Collector, PlanOptions, plan};

fuzz_target!(|input: &[u8]| {
    let mut collector = Collector::default();
    collector.feed("dump", input);
    let inventory = collector.finish();
    let plan = plan(&inventory, &PlanOptions::default());
    for namespace in &plan.namespaces {
        for subject in &inventory.namespaces[&namespace.name].subjects {
            assert!(!subject.broken().are_refused_by(namespace.suggested.enforce));
        }
    }
});

//! What is read directly is what granit reads, node by node; and what granit refuses is refused alike.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut direct = podsec_yaml::documents(text);
    let mut granit = podsec_yaml::documents_by_granit(text);
    loop {
        let (direct, granit) = (direct.next(), granit.next());
        assert!(direct == granit, "{direct:?} is for granit {granit:?}");
        if direct.is_none() {
            break;
        }
    }
});

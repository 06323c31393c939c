//! A body of any content type becomes an object or is refused, and an object that it becomes is encoded and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_apimachinery::codec::{Encoding, Kind, decode, protobuf_encode};
use podsec_apimachinery::schema::{Definitions, forget_empty};

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, body) = input;
    let encoding = [Encoding::Json, Encoding::Yaml, Encoding::Protobuf][usize::from(choice % 3)];
    let (group, kind) = [("", "Pod"), ("apps", "Deployment"), ("apiextensions.k8s.io", "CustomResourceDefinition")]
        [usize::from(choice / 3 % 3)];
    let Ok(decoded) = decode(body, encoding, Kind { group, version: "v1", kind }) else { return };
    let mut object = decoded.object;
    if let Some(schema) = Definitions::builtin().kind(group, "v1", kind) {
        forget_empty(schema, &mut object);
    }
    let Ok(encoded) = protobuf_encode::encode(&object) else { return };
    let again = decode(&encoded, Encoding::Protobuf, Kind { group, version: "v1", kind });
    assert!(again.is_ok(), "{object}: {again:?}");
});

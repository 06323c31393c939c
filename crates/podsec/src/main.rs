//! The podsec command.

fn main() {}

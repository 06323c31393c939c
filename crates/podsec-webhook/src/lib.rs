//! The admission webhook: HTTPS in front of podsec-admission.

//! Why JSON could not be read as a pod, and where.

use super::decode::Decode;

/// The bytes cannot be read as a pod.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not UTF-8, as JSON must be.
    #[error("invalid UTF-8 after {valid_up_to} bytes")]
    Encoding {
        /// How many bytes are good.
        valid_up_to: usize,
    },
    /// The text is not one JSON object, with line and column.
    #[error("{0}")]
    Json(serde_json::Error),
    /// A field holds what it cannot hold.
    #[error("{path}: {problem}")]
    Field {
        /// Which field: `spec.containers[0].securityContext.runAsUser`.
        path: String,
        /// What was found and what was expected, with line and column.
        problem: serde_json::Error,
    },
}

/// Decodes bytes that hold one JSON value.
pub(crate) fn decode<'de, T: Decode<'de> + Default>(json: &'de [u8]) -> Result<T, DecodeError> {
    let text = simdutf8::compat::from_utf8(json)
        .map_err(|error| DecodeError::Encoding { valid_up_to: error.valid_up_to() })?;
    let mut value = T::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let decoded = value.decode(&mut deserializer).and_then(|()| deserializer.end());
    match decoded {
        Ok(()) => Ok(value),
        Err(error) => Err(locate::<T>(text, error)),
    }
}

/// Names the field of an error, by decoding once more with an eye on the path.
#[cold]
fn locate<'de, T: Decode<'de> + Default>(text: &'de str, error: serde_json::Error) -> DecodeError {
    if !error.is_data() {
        return DecodeError::Json(error);
    }
    let mut track = serde_path_to_error::Track::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let decoded = T::default().decode(tracked);
    let path = track.path();
    match decoded {
        Err(problem) if path.iter().next().is_some() => {
            DecodeError::Field { path: path.to_string(), problem }
        }
        _ => DecodeError::Json(error),
    }
}

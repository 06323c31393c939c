//! What one API request means for Pod Security: labels, configuration, exemptions, modes.

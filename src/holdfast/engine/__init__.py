"""Long work in small pieces: atomic, checksummed outputs, done in process, by local processes or on a Ray cluster."""

"""Tables beyond memory: passes over all rows, piece by piece, in process, by local processes or on a Ray cluster."""

"""Steps on a device: planned in fixed sizes, bound to a lane, captured and replayed."""

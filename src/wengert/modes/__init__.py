"""One way to interpret a call per file: forward (duals), reverse (nodes on a tape), batch (one more axis)."""

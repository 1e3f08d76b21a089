"""THE TABLE: read this folder to know what the system can do.  One row per primitive; every mode reads it."""

"""A function as data: a typed, functional program with structured control flow."""

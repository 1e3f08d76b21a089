"""A function as data: a typed, functional program with structured control flow."""

from wengert.ir.text import text as text  # programs print as text

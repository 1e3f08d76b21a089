"""Programs as scientists write them, shared by tests, golden files, benchmarks and docs; one file per theme.

PROGRAMS   what the first half of staging must handle
LATER      programs with a reason why they must wait
"""

from programs import (
    calculus,
    complex_numbers,
    control_flow,
    dynamic_programming,
    language,
    later,
    linear_algebra,
    names,
    recursion,
    root_finding,
    scenarios,
    signal,
    simulation,
    statistics,
)
from programs.program import Program

__all__ = ["LATER", "PROGRAMS", "Program"]

THEMES = (
    linear_algebra,
    simulation,
    dynamic_programming,
    root_finding,
    statistics,
    signal,
    calculus,
    scenarios,
    control_flow,
    names,
    language,
    recursion,
    complex_numbers,
)
PROGRAMS: list[Program] = [program for theme in THEMES for program in theme.PROGRAMS]
LATER: list[Program] = later.LATER

"""`python -m benchmarks.gradbench`: serve GradBench on standard input and output."""

import sys

from benchmarks.gradbench.serve import serve

serve(sys.stdin, sys.stdout)

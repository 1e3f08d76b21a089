"""GradBench (https://github.com/gradbench/gradbench): a tool for its protocol, and its problems in plain NumPy.

Each problem is a module of its name.  What it computes is defined by GradBench's `evals/NAME/README.md`.
"""

"""Looking at a derivative.

trace      what a function computes, written down: steps and formulas
notation   how formulas are written
explain    which elementary operations, and which tangents and cotangents flow through them
render     an explanation as text, HTML and LaTeX
"""

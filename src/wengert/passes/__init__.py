"""Program -> program, meaning unchanged.  One file per pass; `optimise.py` says in which order they run.

Passes replace equations and programs and never change them: a program may stand in several places.  What has not
changed comes back as the same object, which is how the end of a fixpoint is seen.
"""

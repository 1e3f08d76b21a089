"""Other ways to run a program than the interpreter (ir/evaluate.py), which is the oracle for each of them."""

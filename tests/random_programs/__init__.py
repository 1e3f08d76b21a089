"""Random Python programs over NumPy, as source text, and what must hold for each of them.

write.py    seed -> text of a module with `f`, its helpers and globals, `arguments()` and `change()`
program.py  text -> a module that `inspect` can read
watch.py    one run: what was executed, how often, and how close its decisions were
mix.py      what a program contains, counted over what was executed
checks.py   what must hold; new checks are one line in a list
shrink.py   a failing program -> a small one that fails alike
__main__.py the command for a long run: python -m tests.random_programs --count 20000 --seed 7
"""

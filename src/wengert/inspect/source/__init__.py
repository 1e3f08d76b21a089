"""A program as plain NumPy that runs on its own, for people to read, step through and edit.

In the order in which they run:

entry        what users call
statements   what lies between program and text
reader       the program becomes statements, with the regions of loops and branches in place
counting     loops count by the user's index; whole numbers stand where they are read
tidy         sums begin with their first term, and more that makes statements shorter
keeping      what nested loops keep stands in one array or list
choices      branches that only choose a value become expressions
inlining     what is read once moves to where it is read
words        what values are called
naming       names for values; an update of an array is a write into it
sharing      a copy is made where two values would share memory
lines        statements become lines
"""

from wengert.inspect.source.entry import Source, source

__all__ = ["Source", "source"]

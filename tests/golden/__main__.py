"""Write the golden files."""

from golden import NAMES, page, path_of

for name in NAMES:
    path_of(name).write_text(page(name))

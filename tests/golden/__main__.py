"""Write the golden files."""

from golden import NAMES, SOURCES, page, path_of, source_page, source_path_of

for name in NAMES:
    path_of(name).write_text(page(name))
for name in SOURCES:
    source_path_of(name).write_text(source_page(name))

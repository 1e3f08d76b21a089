"""For all tests: garbage is collected less often.  Programs are many small objects, and most live as long as a test."""

import gc

gc.set_threshold(50_000, 20, 50)

"""Benchmarks of wengert against its peers.  They verify before they time; see README.md."""

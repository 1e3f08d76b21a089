"""From programs to something that runs: what machine code needs to know of a program, and machine code itself."""

"""What becomes of a user's Python function before it is run or read."""

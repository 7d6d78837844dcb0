"""What a signed token says, and whether to believe it. No I/O: keys and the time are given."""

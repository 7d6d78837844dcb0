"""What things are: frozen data and its rules. No I/O, no clock, no randomness of its own."""

"""The demo behind ``make run``: two real APIs, a gateway before them, and a key to call them with."""

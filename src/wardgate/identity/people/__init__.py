"""People: their accounts, how they sign in, their sessions, and the pages on which they look after all of it."""

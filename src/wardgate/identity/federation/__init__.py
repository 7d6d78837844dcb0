"""Sign-in with foreign OpenID providers."""

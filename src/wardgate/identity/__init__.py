"""The OAuth 2.0 authorization server and OpenID provider: one module per RFC, no framework, no SQL."""

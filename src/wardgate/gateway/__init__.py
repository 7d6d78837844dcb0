"""The request path: listener, parser, upstream pool, response, tunnel, snapshot."""

"""A small API that knows nothing of keys, limits or gateways: what a Wardgate installation protects."""

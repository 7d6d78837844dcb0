"""Wardgate: an API gateway, its keys, limits and control plane in one package."""

__version__ = "0.1.0"

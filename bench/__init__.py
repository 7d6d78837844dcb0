"""Wardgate next to nginx, HAProxy and Envoy on one core: ``python -m bench``, or ``make bench``."""

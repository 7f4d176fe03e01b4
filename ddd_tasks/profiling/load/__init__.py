"""Steady requests to a service while it is profiled, and what they took without the profiler and with it."""

"""Monitoring: what a service exposes for Prometheus, and the dashboard that follows from it."""

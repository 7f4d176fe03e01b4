"""Secrets of services: where their values come from, and how they reach a container as files that only it can read."""

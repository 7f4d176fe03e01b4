"""Debugging services in containers: from the debug stage, or live in a container that has no debugger in it."""

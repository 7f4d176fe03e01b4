"""Debuggers brought to one project whose services are hardened and slim, which is started once."""

"""Loaded by pydevd in processes that a debugged process starts."""

import importlib

importlib.import_module("ddd_inside").load()

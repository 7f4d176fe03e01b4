"""The Invoke surface: one module per collection; flags, help and a few lines a task."""

"""Where a running service spends its time, seen from beside it."""

"""Checking dashboards: whether each panel shows something on the running Prometheus, and Grafana takes the file."""

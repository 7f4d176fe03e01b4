"""One profiler for each language, each run beside the service."""

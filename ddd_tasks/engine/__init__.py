"""The Docker Engine: its HTTP API over the socket, exec, ports, installation and base images."""

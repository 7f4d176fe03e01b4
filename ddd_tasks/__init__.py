"""Docker-driven development: Invoke collections and Nox helpers for projects with a Dockerfile and a Compose file."""

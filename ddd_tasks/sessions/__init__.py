"""Sessions of a session runner (Nox) inside a container of a Dockerfile's stage: image, container, venv, programs."""

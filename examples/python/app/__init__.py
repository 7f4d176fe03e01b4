"""A web service that counts its visits."""

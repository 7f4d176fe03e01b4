"""Sessions in containers as jobs of a CI service: the matrix, the pipelines, and the build that they share."""

"""The stages of a Dockerfile as images: built and recorded, listed, laid out layer by layer, compared, checked."""

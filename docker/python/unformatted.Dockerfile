# Code that was not formatted with ruff before.

# lint checks style with ruff.
FROM source AS lint
CMD ["ruff", "check", "."]

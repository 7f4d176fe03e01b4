# Code without settings for ruff: its own rules are not known, so that only what cannot work is reported.

# lint looks for syntax errors, undefined names and comparisons that cannot be meant.
FROM source AS lint
CMD ["ruff", "check", "--select", "E9,F63,F7,F82", "."]

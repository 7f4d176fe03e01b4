# TypeScript without a lint script.

# lint checks the types.
FROM source AS lint
CMD ["tsc", "--noEmit"]

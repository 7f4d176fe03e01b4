# A project without a lint script.

# lint checks that each file is valid JavaScript.
FROM source AS lint
CMD ["sh", "-c", "find . -name node_modules -prune -o -name '*.js' -print0 -o -name '*.[cm]js' -print0 | xargs -0 -r -n 1 node --check"]

# A project without a test script.

# test runs the tests that Node itself finds.
FROM source AS test
CMD ["node", "--test"]

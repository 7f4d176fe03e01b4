# Tests for the test platform: xunit, NUnit, MSTest.

# test runs the tests with dotnet test.
FROM source AS test
CMD ["sh", "-c", "for project in $TESTS; do dotnet test \"$project\" \"$@\" || exit; done", "sh"]

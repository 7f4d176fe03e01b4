# A service without tests: that it compiles is all that can be tested.

# test compiles the service.
FROM source AS test
CMD ["sh", "-c", "exec dotnet build \"$APP\" \"$@\"", "sh"]

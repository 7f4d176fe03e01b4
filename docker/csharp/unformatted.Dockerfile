# Code that was not formatted with dotnet format before.

# lint compiles the service, which runs its analyzers.
FROM source AS lint
CMD ["sh", "-c", "exec dotnet build \"$APP\""]

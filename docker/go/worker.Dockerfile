# A program that listens on no port.

# prod runs the binary and has nothing else, as a user without rights.
FROM scratch AS prod
ENV APP=.
ENV ZONEINFO=/zoneinfo.zip
COPY --from=build /out/ /
WORKDIR /app
USER 10001:10001
CMD ["/app/service"]

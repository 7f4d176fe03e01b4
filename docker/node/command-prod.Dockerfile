# A program of a package, such as `next start`, serves: APP is its command line.

# prod serves the code without development packages, as a user without rights.
FROM node:24-trixie-slim AS prod
ENV APP=src/server.js PORT=8000 HEALTH=/health
ENV NODE_ENV=production \
    NODE_OPTIONS="--require /opt/signals.cjs" \
    PATH=/app/node_modules/.bin:$PATH
# The first process of a container does not get a signal that it has no handler for: what the service does not handle
# itself ends it here.
COPY <<EOF /opt/signals.cjs
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) {
  process.on(signal, () => process.listenerCount(signal) > 1 || process.exit(128 + number));
}
EOF
WORKDIR /app
COPY --from=build /opt/prod/node_modules ./node_modules
COPY --from=build /app ./
USER 10001:10001
EXPOSE $PORT
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["node", "-e", "const { PORT, HEALTH } = process.env, end = (ok) => process.exit(ok ? 0 : 1); HEALTH ? fetch(`http://127.0.0.1:${PORT}${HEALTH}`).then((answer) => end(answer.ok), () => end(false)) : net.connect(PORT, '127.0.0.1', () => end(true)).on('error', () => end(false))"]
CMD ["sh", "-c", "exec $APP"]

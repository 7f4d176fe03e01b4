# A program that serves by itself: APP is a file, or -m and a module. watchfiles starts it again after an edit.

# source adds the tools that the project does not name, then the code.
FROM deps AS source
ARG TOOLS="debugpy==1.8.22 pytest==9.2.0 ruff==0.17.6 watchfiles==1.3.0"
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    for tool in $TOOLS; do \
        python -c "import ${tool%%=*}" 2>/dev/null || uv pip install --target /opt/tools "$tool" || exit; \
    done
# What runs on a mounted checkout leaves no bytecode in it.
ENV PYTHONDONTWRITEBYTECODE=1
COPY . .

# dev runs the program and starts it again when a file is saved.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec python -m watchfiles --filter python \"python $APP\" $WATCH"]

# debug serves the code like dev, under debugpy on port 5678.
FROM source AS debug
ENV PYDEVD_DISABLE_FILE_VALIDATION=1
EXPOSE $PORT 5678
CMD ["sh", "-c", "exec python -Xfrozen_modules=off -m debugpy --listen 0.0.0.0:5678 -m watchfiles --filter python \"python $APP\" $WATCH"]

# prod serves the code without development packages, as a user without rights.
FROM base AS prod
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app ./
USER 10001:10001
EXPOSE $PORT
# Python answers SIGINT also where a program has no handler of its own.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, socket, urllib.request as r; port, path = os.environ['PORT'], os.environ['HEALTH']; r.urlopen(f'http://127.0.0.1:{port}{path}', timeout=2) if path else socket.create_connection(('127.0.0.1', port), 2)"]
CMD ["sh", "-c", "exec python $APP"]

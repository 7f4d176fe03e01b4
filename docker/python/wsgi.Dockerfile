# A WSGI application: gunicorn serves it, and watchfiles starts that again after an edit.

# source adds the server and the tools that the project does not name, then the code.
FROM deps AS source
ARG SERVER="gunicorn==27.0.1" TOOLS="debugpy==1.8.22 pytest==9.2.0 ruff==0.17.6 watchfiles==1.3.0"
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    mkdir -p /opt/server; \
    python -c "import ${SERVER%%=*}" 2>/dev/null || uv pip install --target /opt/server "$SERVER" || exit; \
    for tool in $TOOLS; do \
        python -c "import ${tool%%=*}" 2>/dev/null || uv pip install --target /opt/tools "$tool" || exit; \
    done
# A gunicorn.conf.py of the project's holds instead of this one.
COPY <<'EOF' /opt/server/gunicorn.conf.py
import os


def child_exit(server, worker):
    """What prometheus-client counts stays; what a gauge said of a worker ends with it."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        try:
            from prometheus_client import multiprocess
        except ImportError:
            return
        multiprocess.mark_process_dead(worker.pid)
EOF
# What runs on a mounted checkout leaves no bytecode in it.
ENV PYTHONDONTWRITEBYTECODE=1
COPY . .

# dev serves the code and starts it again when a file is saved.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec python -m watchfiles --filter python \"share-metrics python -m gunicorn --bind 0.0.0.0:$PORT $APP\" $WATCH"]

# debug serves the code like dev, under debugpy on port 5678.
FROM source AS debug
ENV PYDEVD_DISABLE_FILE_VALIDATION=1
EXPOSE $PORT 5678
CMD ["sh", "-c", "exec python -Xfrozen_modules=off -m debugpy --listen 0.0.0.0:5678 -m watchfiles --filter python \"python -m gunicorn --bind 0.0.0.0:$PORT --timeout 0 $APP\" $WATCH"]

# prod serves the code without development packages, as a user without rights.
FROM base AS prod
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/server /opt/server
COPY --from=build /app ./
# gunicorn keeps small files there, which is possible in a container that is read-only otherwise, too.
ENV HOME=/dev/shm
USER 10001:10001
EXPOSE $PORT
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, socket, urllib.request as r; port, path = os.environ['PORT'], os.environ['HEALTH']; r.urlopen(f'http://127.0.0.1:{port}{path}', timeout=2) if path else socket.create_connection(('127.0.0.1', port), 2)"]
CMD ["sh", "-c", "config=gunicorn.conf.py; [ -e $config ] || config=/opt/server/$config; exec share-metrics python -m gunicorn --config $config --bind 0.0.0.0:$PORT --worker-tmp-dir /dev/shm $APP"]

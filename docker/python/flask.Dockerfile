# A Flask application, beside wsgi.Dockerfile: its own server for development also sees edited templates.

# source adds the server and the tools that the project does not name, then the code.
FROM deps AS source
ARG SERVER="gunicorn==27.0.1" TOOLS="debugpy==1.8.22 pytest==9.2.0 ruff==0.17.6 watchdog==7.1.0"
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    mkdir -p /opt/server; \
    python -c "import ${SERVER%%=*}" 2>/dev/null || uv pip install --target /opt/server "$SERVER" || exit; \
    for tool in $TOOLS; do \
        python -c "import ${tool%%=*}" 2>/dev/null || uv pip install --target /opt/tools "$tool" || exit; \
    done
# What runs on a mounted checkout leaves no bytecode in it.
ENV PYTHONDONTWRITEBYTECODE=1
COPY . .

# dev serves the code and reloads it when a file is saved.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec python -m flask --app $APP run --debug --host 0.0.0.0 --port $PORT"]

# debug serves the code like dev, under debugpy on port 5678.
FROM source AS debug
ENV PYDEVD_DISABLE_FILE_VALIDATION=1
EXPOSE $PORT 5678
CMD ["sh", "-c", "exec python -Xfrozen_modules=off -m debugpy --listen 0.0.0.0:5678 -m flask --app $APP run --debug --host 0.0.0.0 --port $PORT"]

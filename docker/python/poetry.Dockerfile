# pyproject.toml and poetry.lock: Poetry translates its lock file, and uv installs what that names.

# deps installs what poetry.lock names, development groups included, and nothing that a source edit touches.
FROM base AS deps
# The bundle is part of the image; a build on a network with its own authority lays the host's over it.
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=pip-conf,target=/etc/pip.conf \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/pip \
    pip install --root-user-action=ignore --disable-pip-version-check uv==0.13.9
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    UV_COMPILE_BYTECODE=0 UV_TOOL_DIR=/opt/poetry UV_TOOL_BIN_DIR=/usr/local/bin \
    uv tool install --quiet poetry==2.5.1 --with poetry-plugin-export==1.10.1
COPY pyproject.toml poetry.lock ./
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    poetry export --output /opt/main.txt \
    && poetry export --all-groups --output /opt/all.txt \
    && uv pip install -r /opt/all.txt

# build puts an environment without the development packages in the place of the other, and compiles the code.
FROM source AS build
# The Python is the image's: uv does not look for the one that a .python-version of the checkout names.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    rm -f .python-version* \
    && uv venv --quiet --clear /opt/venv \
    && uv pip install -r /opt/main.txt
RUN rm -rf tests \
    && PYTHONDONTWRITEBYTECODE="" python -m compileall -q .

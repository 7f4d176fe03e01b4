# pyproject.toml without a lock file: the newest versions that it allows, as of the build.

# deps installs what pyproject.toml names, extras and development groups included.
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
COPY pyproject.toml ./
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    uv sync --no-install-project --all-extras

# build removes the development packages and the tests, and compiles the code.
FROM source AS build
# The Python is the image's: uv does not look for the one that a .python-version of the checkout names.
RUN rm -f .python-version* \
    && uv sync --frozen --offline --no-cache --no-install-project --no-default-groups \
    && rm -rf tests uv.lock \
    && PYTHONDONTWRITEBYTECODE="" python -m compileall -q .

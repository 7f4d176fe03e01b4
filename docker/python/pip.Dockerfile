# Instead of pyproject.toml and uv.lock: requirements*.txt or a folder requirements/, which uv installs as pip would.

# deps installs what requirements files name, those for development included, and nothing that a source edit touches.
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
COPY *requirements*.txt *constraints*.txt ./
COPY requirement[s]/ ./requirements/
ARG MAIN="requirements.txt requirements/base.txt requirements/prod*.txt"
ARG DEVELOPMENT="*requirements*dev*.txt *requirements*test*.txt dev*requirements*.txt test*requirements*.txt requirements/local.txt requirements/dev*.txt requirements/test*.txt"
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    for file in $MAIN $DEVELOPMENT; do if [ -f "$file" ]; then set -- "$@" -r "$file"; fi; done; \
    [ $# -eq 0 ] || uv pip install "$@"

# build puts an environment without the development packages in the place of the other, and compiles the code.
FROM source AS build
# The Python is the image's: uv does not look for the one that a .python-version of the checkout names.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=uv-toml,target=/etc/uv/uv.toml \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=cache,target=/root/.cache/uv \
    rm -f .python-version*; \
    uv venv --quiet --clear /opt/venv || exit; \
    for file in $MAIN; do if [ -f "$file" ]; then set -- "$@" -r "$file"; fi; done; \
    [ $# -eq 0 ] || uv pip install "$@"
RUN rm -rf tests \
    && PYTHONDONTWRITEBYTECODE="" python -m compileall -q .

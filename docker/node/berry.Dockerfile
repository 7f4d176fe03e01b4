# Instead of npm: Yarn 4, of the version that package.json names under packageManager, with a node_modules folder. Yarn 2
# and 3 need their plugin workspace-tools for build.

# deps installs what package.json and yarn.lock name, and nothing that a source edit touches.
FROM base AS deps
WORKDIR /opt/deps
COPY package.json yarn.lock .yarnrc.yml ./
COPY .yar[n]/ .yarn/
ENV YARN_ENABLE_GLOBAL_CACHE=true \
    YARN_ENABLE_TELEMETRY=false \
    YARN_NODE_LINKER=node-modules
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --force --prefer-offline "@yarnpkg/cli-dist@$(node --print "/^yarn@([0-9.]+)/.exec(require('./package.json').packageManager)?.[1] ?? '4.18.1'")"
# This Yarn does not read npm's configuration. Scripts of packages run, those of the project do
# not: they expect the code, and rebuilding would run them.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.yarn/berry/cache \
    if ! grep -q npmRegistryServer .yarnrc.yml; then export YARN_NPM_REGISTRY_SERVER="$(npm config get registry)"; fi \
    && yarn install --immutable --mode=skip-build \
    && npm pkg delete scripts \
    && npm rebuild
WORKDIR /app

# build makes what prod copies: no packages for development, no tests, no sources of what is compiled.
FROM deps AS build
WORKDIR /opt/prod
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.yarn/berry/cache \
    cp -a /opt/deps/. . \
    && if ! grep -q npmRegistryServer .yarnrc.yml; then export YARN_NPM_REGISTRY_SERVER="$(npm config get registry)"; fi \
    && YARN_ENABLE_SCRIPTS=false yarn workspaces focus --production --all \
    && find . -type d -empty -delete \
    && mkdir -p node_modules
WORKDIR /app
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

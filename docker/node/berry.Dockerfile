# Instead of npm: Yarn 2 and later, of the version that package.json names under packageManager, with a node_modules folder.

# deps installs what package.json and yarn.lock name, and nothing that a source edit touches.
FROM base AS deps
COPY package.json yarn.lock .yarnrc.yml /opt/deps/
COPY .yar[n]/ /opt/deps/.yarn/
ENV YARN_ENABLE_GLOBAL_CACHE=true \
    YARN_ENABLE_TELEMETRY=false \
    YARN_NODE_LINKER=node-modules
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --force --prefer-offline "@yarnpkg/cli-dist@$(node --print "/^yarn@([0-9.]+)/.exec(require('/opt/deps/package.json').packageManager)?.[1] ?? '4.18.1'")"
# This Yarn does not read npm's configuration. Scripts of packages run, those of the project do not: they expect the code.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.yarn/berry/cache \
    cd /opt/deps \
    && if ! grep -q npmRegistryServer .yarnrc.yml; then export YARN_NPM_REGISTRY_SERVER="$(npm config get registry)"; fi \
    && yarn install --immutable --mode=skip-build \
    && npm rebuild

# build makes what prod copies: packages without those for development, and the code without tests and what was compiled.
FROM deps AS build
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.yarn/berry/cache \
    cp -a /opt/deps /opt/prod \
    && cd /opt/prod \
    && YARN_ENABLE_NETWORK=false YARN_ENABLE_SCRIPTS=false yarn workspaces focus --production --all \
    && find /opt/prod -type d -empty -delete \
    && mkdir -p /opt/prod/node_modules
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

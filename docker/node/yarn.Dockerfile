# Instead of npm: Yarn 1.

# deps installs what package.json and yarn.lock name, and nothing that a source edit touches.
FROM base AS deps
COPY package.json yarn.lock .npmrc* .yarnrc* /opt/deps/
# Scripts of packages run, those of the project do not: they expect the code.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/usr/local/share/.cache/yarn \
    cd /opt/deps \
    && yarn install --frozen-lockfile --prefer-offline --non-interactive --ignore-scripts \
    && npm rebuild

# build makes what prod copies: packages without those for development, and the code without tests and what was compiled.
FROM deps AS build
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/usr/local/share/.cache/yarn \
    cp -a /opt/deps /opt/prod \
    && cd /opt/prod \
    && yarn install --production --frozen-lockfile --offline --non-interactive --ignore-scripts \
    && find /opt/prod -type d -empty -delete \
    && mkdir -p /opt/prod/node_modules
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

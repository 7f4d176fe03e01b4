# Instead of npm: Yarn 1.

# deps installs what package.json and yarn.lock name, and nothing that a source edit touches.
FROM base AS deps
WORKDIR /opt/deps
COPY package.json yarn.lock .npmrc* .yarnrc* ./
# Scripts of packages run, those of the project do not: they expect the code, and rebuilding would run them.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/usr/local/share/.cache/yarn \
    yarn install --frozen-lockfile --prefer-offline --non-interactive --ignore-scripts \
    && npm pkg delete scripts \
    && npm rebuild
WORKDIR /app

# build makes what prod copies: no packages for development, no tests, no sources of what is compiled.
FROM deps AS build
WORKDIR /opt/prod
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/usr/local/share/.cache/yarn \
    cp -a /opt/deps/. . \
    && yarn install --production --frozen-lockfile --prefer-offline --non-interactive --ignore-scripts \
    && find . -type d -empty -delete \
    && mkdir -p node_modules
WORKDIR /app
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

# Instead of npm: pnpm, of the version that package.json names under packageManager.

# deps installs what package.json and pnpm-lock.yaml name, and nothing that a source edit touches.
FROM base AS deps
WORKDIR /opt/deps
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml* .npmrc* .pnpmfile.cjs* ./
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --prefer-offline "pnpm@$(node --print "/^pnpm@([0-9.]+)/.exec(require('./package.json').packageManager)?.[1] ?? '10.34.8'")"
# Scripts of packages run as far as the project allows them, those of the project do not: they expect the
# code, and rebuilding would run them.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.local/share/pnpm/store \
    pnpm install --frozen-lockfile --prefer-offline --ignore-scripts \
    && npm pkg delete scripts \
    && pnpm rebuild
WORKDIR /app

# build makes what prod copies: no packages for development, no tests, no sources of what is compiled.
FROM deps AS build
WORKDIR /opt/prod
RUN cp -a /opt/deps/. . \
    && CI=true pnpm prune --prod --ignore-scripts \
    && find . -type d -empty -delete \
    && mkdir -p node_modules
WORKDIR /app
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

# Instead of npm: pnpm, of the version that package.json names under packageManager.

# deps installs what package.json and pnpm-lock.yaml name, and nothing that a source edit touches.
FROM base AS deps
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml* .npmrc* .pnpmfile.cjs* /opt/deps/
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --prefer-offline "pnpm@$(node --print "/^pnpm@([0-9.]+)/.exec(require('/opt/deps/package.json').packageManager)?.[1] ?? '10.34.8'")"
# Scripts of packages run as far as the project allows them, those of the project do not: they expect the code.
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.local/share/pnpm/store \
    cd /opt/deps \
    && pnpm install --frozen-lockfile --prefer-offline --ignore-scripts \
    && pnpm rebuild

# build makes what prod copies: packages without those for development, and the code without tests and what was compiled.
FROM deps AS build
RUN cp -a /opt/deps /opt/prod \
    && cd /opt/prod \
    && CI=true pnpm prune --prod --ignore-scripts \
    && find /opt/prod -type d -empty -delete \
    && mkdir -p /opt/prod/node_modules
COPY --from=source /app ./
RUN npm run build --if-present \
    && rm -rf test tests __tests__ .npmrc \
    && find . -regextype egrep -regex '.*\.(test|spec)\.[cm]?[jt]sx?' -delete \
    && case "$APP" in *.js | *.mjs | *.cjs) find . -regextype egrep -regex '.*\.[cm]?tsx?' -delete ;; esac

# TypeScript that the build script compiles for prod: dev and debug run the sources, DEV_APP, by way of tsx.

# dev serves the sources and restarts the service when a file is saved.
FROM deps AS dev
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --prefer-offline tsx@4.23.15
COPY --from=source /app ./
EXPOSE $PORT
CMD ["sh", "-c", "[ ! -d node_modules ] || echo 'node_modules of the checkout hides the packages of the image: remove it if it is from another system' >&2; exec nodemon --no-colours --delay 20ms --ext js,cjs,mjs,json,ts,cts,mts,tsx --exec 'node --import /usr/local/lib/node_modules/tsx/dist/loader.mjs' ${DEV_APP:-$APP}"]

# debug serves the sources like dev, with the inspector on port 9229.
FROM deps AS debug
RUN --mount=type=secret,id=ca-bundle,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=cache,target=/root/.npm \
    npm install --global --prefer-offline tsx@4.23.15
COPY --from=source /app ./
EXPOSE $PORT 9229
CMD ["sh", "-c", "[ ! -d node_modules ] || echo 'node_modules of the checkout hides the packages of the image: remove it if it is from another system' >&2; exec nodemon --no-colours --delay 20ms --ext js,cjs,mjs,json,ts,cts,mts,tsx --exec 'node --inspect=0.0.0.0:9229 --import /usr/local/lib/node_modules/tsx/dist/loader.mjs' ${DEV_APP:-$APP}"]

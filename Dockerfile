# One image for scheduler nodes and workers: `docker build -t tasklane .`, then `docker run tasklane worker …`.
# Debian rather than Alpine: the library of the SQLite store and Node's own binaries are tried on it in every test run.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/server/package.json packages/server/
COPY packages/sdk/package.json packages/sdk/
COPY packages/cli/package.json packages/cli/
COPY packages/dashboard/package.json packages/dashboard/
# npm links a command only when its file is there.
COPY packages/cli/bin packages/cli/bin/

FROM manifests AS build
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json tsconfig.json ./
COPY packages packages/
COPY scripts/build-pages.mjs scripts/build-pages.mjs
RUN npm run build

# What runs: no compiler, no test tool. No package needs its install script: binaries come inside the packages.
FROM manifests AS dependencies
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && cd node_modules/@photostructure/sqlite && rm -rf src prebuilds/darwin-* prebuilds/win32-*

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Tasklane" org.opencontainers.image.licenses="MIT"
COPY LICENSE /app/
COPY --from=dependencies /app /app/
COPY --from=build /app/packages/protocol/dist /app/packages/protocol/dist/
COPY --from=build /app/packages/server/dist /app/packages/server/dist/
COPY --from=build /app/packages/server/dashboard /app/packages/server/dashboard/
COPY --from=build /app/packages/sdk/dist /app/packages/sdk/dist/
COPY --from=build /app/packages/cli/dist /app/packages/cli/dist/
# The code belongs to root; the user that runs it may write to /data alone.
RUN mkdir /data && chown node:node /data
USER node
WORKDIR /data
VOLUME /data
# Inside a container everybody else is outside of loopback; who may reach the port is said where it is published.
ENV API_HOST=0.0.0.0 API_PORT=8000 DATABASE_URL=sqlite:////data/tasklane.db
EXPOSE 8000
# Of a scheduler node; a worker has its own in compose.yaml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))", "http://127.0.0.1:8000/readyz"]
ENTRYPOINT ["node", "/app/packages/cli/bin/tasklane.js"]
CMD ["serve"]

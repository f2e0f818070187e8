# The proxy with what the usual servers run on. docs/container.md says how to use it, and why each line is there.
#
#   docker build --tag mcp-proxy .                     with Node: npx
#   docker build --tag mcp-proxy:uv --target uv .      with Python and uv besides: uvx

FROM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# What npm would publish, and nothing else, goes into the image. A container has no keychain, so none is installed.
RUN npm run build && npm pack --ignore-scripts && npm install --global --prefix /out --omit=optional mcp-relay-*.tgz

FROM node:24-trixie-slim AS base
# As process 1 it takes the processes that servers leave behind, which Node would leave as zombies.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/
# By number, so that a cluster can see that it is not root.
USER 1000:1000
ENV HOME=/home/node MCP_PROXY_HEALTH_URL=http://127.0.0.1:8080/healthz
WORKDIR /home/node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(process.env.MCP_PROXY_HEALTH_URL).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# On this address it does not start until it is said who may use it. Options that are given go before these.
ENTRYPOINT ["tini", "--", "mcp-proxy", "--host", "0.0.0.0", "--port", "8080"]

FROM base AS uv
USER 0:0
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY --from=astral/uv:0.13 /uv /uvx /usr/local/bin/
USER 1000:1000

# The last one is what is built where none is named.
FROM base AS npx

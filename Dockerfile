# Compiled in one image, run in another that holds neither compiler nor test tools.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# `prepare` builds the test runner, which the image does not need.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./
COPY --from=build /build/LICENSE ./
# The image's own unprivileged user.
USER node
# Inside a container only this address can be published; publish it to loopback.
ENV TOLLGATE_HEALTH_HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "main.js"]
CMD ["run", "--watchdog", "10"]

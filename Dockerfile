# The shop: sources, their packages, and the built storefront. Node 24 comes with the packages.
FROM node:24-bookworm-slim
WORKDIR /mortise
COPY package.json package-lock.json .npmrc ./
COPY kernel/package.json kernel/
COPY plugins/package.json plugins/
COPY telemetry/package.json telemetry/
COPY proto/package.json proto/
COPY apps/hello/package.json apps/hello/
COPY apps/shop/package.json apps/shop/
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build --workspace @mortise/shop
USER node
EXPOSE 8080
CMD ["node_modules/.bin/node", "--conditions=source", "kernel/cli/main.ts", "start", "apps/shop/shop.yaml"]

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: unknown;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const compose: { services: Record<string, ComposeService>; volumes: Record<string, unknown> } = parse(
  read("docker-compose.yml"),
);
const profile = read("apps/shop/shop.compose.yaml");
const base = read("apps/shop/shop.yaml");
const { services } = compose;
const shop = services.shop;

describe("docker-compose.yml", () => {
  it("starts PostgreSQL, NATS, Jaeger and the shop, each of a version", () => {
    assert.deepEqual(Object.keys(services).sort(), ["jaeger", "nats", "postgres", "shop"]);
    for (const { image } of Object.values(services)) if (image) assert.match(image, /:[\d.]+(-alpine)?$/);
  });

  it("waits for what has a health check to be healthy", () => {
    for (const [name, { condition }] of Object.entries(shop?.depends_on ?? {})) {
      const checked = services[name]?.healthcheck !== undefined;
      assert.equal(condition, checked ? "service_healthy" : "service_started", name);
    }
  });

  it("sets every variable the shop's files need, and none that they do not know", () => {
    const variables = [...`${base}\n${profile}`.matchAll(/\$\{(\w+)(:-)?/g)].map(([, name, fallback]) => ({
      name,
      fallback,
    }));
    const given = Object.keys(shop?.environment ?? {});
    for (const { name, fallback } of variables) assert.ok(fallback || given.includes(name ?? ""), `${name} is not set`);
    for (const name of given)
      assert.ok(
        variables.some((variable) => variable.name === name),
        `nobody reads ${name}`,
      );
  });

  it("publishes the port of the gateway, on this machine only", () => {
    const { port } = parse(profile).options["service/gateway"];
    assert.ok(shop?.ports?.includes(`127.0.0.1:${port}:${port}`));
    for (const { ports = [] } of Object.values(services))
      for (const published of ports) assert.match(published, /^127\.0\.0\.1:/);
  });

  it("leads every address to a service of its own by the port that serves there", () => {
    const ports: Readonly<Record<string, string>> = { postgres: "5432", nats: "4222", jaeger: "4318" };
    const urls = Object.values(shop?.environment ?? {}).map(
      (value) => new URL(value.replace(/\$\{\w+:-(\w+)\}/, "$1")),
    );
    for (const url of urls) {
      if (url.hostname === "localhost") continue;
      assert.equal(url.port, ports[url.hostname], url.href);
    }
  });

  it("keeps data in volumes it declares, PostgreSQL's where version 18 wants it", () => {
    const mounts = Object.values(services).flatMap((service) => service.volumes ?? []);
    assert.deepEqual(new Set(mounts.map((mount) => mount.split(":")[0])), new Set(Object.keys(compose.volumes)));
    assert.ok(mounts.includes("postgres:/var/lib/postgresql"));
  });

  it("lets PostgreSQL prepare transactions and NATS keep streams", () => {
    assert.match(services.postgres?.command ?? "", /max_prepared_transactions=[1-9]/);
    assert.match(services.nats?.command ?? "", /-js .*-sd \/data/);
  });

  it("runs files that are there, in the profile made for it", () => {
    const words = shop?.command?.split(" ") ?? [];
    for (const path of words.filter((word) => /\.(ts|yaml)$/.test(word))) assert.ok(existsSync(join(root, path)), path);
    assert.deepEqual(words.slice(-2), ["--profile", "compose"]);
  });
});

describe("Dockerfile", () => {
  it("copies the manifest of every workspace before it installs", () => {
    const { workspaces } = JSON.parse(read("package.json"));
    const manifests = globSync(
      workspaces.map((folder: string) => `${folder}/package.json`),
      { cwd: root },
    );
    const copied = [...read("Dockerfile").matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, from]) => from?.split(" ") ?? []);
    for (const manifest of manifests) assert.ok(copied.includes(manifest), `${manifest} is not copied`);
    for (const path of copied) assert.ok(existsSync(join(root, path)), path);
  });
});

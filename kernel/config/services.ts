import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CatalogueEntry } from "../core/catalogue.ts";
import { suggestion } from "../core/nearest.ts";
import { fileEntry } from "../core/sources.ts";
import { namesIn } from "./load-config.ts";
import type { Report } from "./problem.ts";
import type { FileReference } from "./references.ts";

/**
 * Finds the module of each service: the path written, or by convention `<name>/<name>.ts` (else `.js`) beside the app file.
 * A missing one is reported with the nearest service there is, and with `directory` as it was given.
 */
export async function findServices(
  services: readonly FileReference[],
  directory: string,
  report: Report,
): Promise<CatalogueEntry[]> {
  const found = await Promise.all(services.map((service) => findService(service, directory, report)));
  return found.flat();
}

/**
 * Services that options are written for and that do not run in this process, if their modules are where services are by
 * convention: one configuration serves processes that run different services.
 */
export function findServicesElsewhere(
  options: Readonly<Record<string, unknown>>,
  services: readonly FileReference[],
  directory: string,
): Promise<CatalogueEntry[]> {
  const names = Object.keys(options).flatMap((key) => /^service\/([^#]+)/.exec(key)?.[1] ?? []);
  return findOthers(
    names.map((name) => ({ name, path: undefined })),
    services,
    directory,
  );
}

/** Those of some services that do not run in this process, if their modules are there. */
export async function findOthers(
  all: readonly Pick<FileReference, "name" | "path">[],
  services: readonly FileReference[],
  directory: string,
): Promise<CatalogueEntry[]> {
  const here = new Set(services.map(({ name }) => name));
  const others = new Map(all.flatMap(({ name, path }) => (name && !here.has(name) ? [[name, path] as const] : [])));
  const entries = [...others].map(([name, path]) => entryAt(name, path ? [path] : conventional(name), directory));
  return (await Promise.all(entries)).flat();
}

async function findService(service: FileReference, directory: string, report: Report): Promise<CatalogueEntry[]> {
  const { name = "", path } = service;
  const places = path === undefined ? conventional(name) : [path];
  const found = await entryAt(name, places, directory);
  if (found.length > 0) return found;
  const lookedFor = join(directory, places[0] ?? "");
  const fix = path === undefined ? suggestion(name, await servicesIn(directory)) : "";
  const message = `service ${name}: there is no file ${lookedFor}.${fix}`;
  report("SERVICE_MISSING", message, service.at, ["services", name]);
  return [];
}

/** The service in the first of these files that is there. */
async function entryAt(name: string, places: readonly string[], directory: string): Promise<CatalogueEntry[]> {
  for (const place of places) {
    const file = resolve(directory, place);
    if (await isFile(file)) return [fileEntry(`service/${name}`, file, "app")];
  }
  return [];
}

function conventional(name: string): string[] {
  return [`./${name}/${name}.ts`, `./${name}/${name}.js`];
}

/** Names of the folders that hold a service by convention. */
async function servicesIn(directory: string): Promise<string[]> {
  const names = await namesIn(directory);
  const held = await Promise.all(
    names.map(async (name) => {
      const files = await Promise.all(conventional(name).map((place) => isFile(resolve(directory, place))));
      return files.includes(true) ? [name] : [];
    }),
  );
  return held.flat();
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

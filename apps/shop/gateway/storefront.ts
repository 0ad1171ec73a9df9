import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Middleware } from "./door.ts";

interface File {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly tag: string;
}

/** The built storefront by path; empty when it is not built. */
export type Files = ReadonlyMap<string, File>;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".png": "image/png",
  ".ico": "image/x-icon",
};

/** Reads the built storefront into memory; it is some hundred kilobytes. */
export async function readFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (path) => [pathOf(folder, path), await readOne(path)] as const)));
}

async function readOne(path: string): Promise<File> {
  const body = new Uint8Array(await readFile(path));
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 16)}"`;
  return { body, tag, type: types[extname(path)] ?? "application/octet-stream" };
}

function pathOf(folder: string, path: string): string {
  return `/${relative(folder, path).split(sep).join("/")}`;
}

/** Serves the storefront; every path that names no file is one of its pages. */
export function serveFiles(files: Files): Middleware {
  return async (request) => {
    const { path } = request.req;
    const found = files.get(path === "/favicon.ico" ? icon : path);
    const file = found ?? (extname(path) === "" ? files.get("/index.html") : undefined);
    if (!file) return request.text(files.size === 0 ? notBuilt : "Not found\n", files.size === 0 ? 503 : 404);
    request.header("etag", file.tag);
    request.header("cache-control", path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    if (request.req.header("if-none-match") === file.tag) return request.body(null, 304);
    return request.body(file.body, 200, { "content-type": file.type });
  };
}

/** Where browsers are told that the icon is; many ask for /favicon.ico all the same. */
export const icon = "/icon.svg";

const notBuilt = "The storefront is not built. Run: npm run build -w @mortise/shop\n";

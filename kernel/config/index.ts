// How an app is read from files.
export type { App } from "./app.ts";
export { loadApp } from "./app.ts";
export { configSchema } from "./json-schema.ts";
export type { LiveApp, LiveAppOptions } from "./live-app.ts";
export { liveApp } from "./live-app.ts";
export type { LoadOptions } from "./load-config.ts";
export type { ConfigInput, ReadConfig } from "./read-config.ts";
export { readConfig } from "./read-config.ts";
export type { Watching, WatchOptions } from "./watch.ts";
export { watchFiles } from "./watch.ts";

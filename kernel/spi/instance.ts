export type { Instance } from "../call/instance.ts";

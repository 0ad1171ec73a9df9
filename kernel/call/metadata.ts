export type MetadataValue = string | Uint8Array;

/** Names in lower case; those ending in `-bin` carry bytes, all others printable ASCII (gRPC's rule). */
export type MetadataInit = Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>;

/** Headers or trailers of a call. Never changes; protocols may decode it only when read. */
export interface Metadata {
  /** The last text value of a name, or nothing. */
  get(name: string): string | undefined;
  /** The last bytes value of a `-bin` name, or nothing. */
  getBytes(name: string): Uint8Array | undefined;
  getAll(name: string): readonly MetadataValue[];
  names(): readonly string[];
}

const nothing: readonly MetadataValue[] = Object.freeze([]);

export const noMetadata: Metadata = Object.freeze({
  get: () => undefined,
  getBytes: () => undefined,
  getAll: () => nothing,
  names: () => [],
});

/** Makes metadata from a plain record. Throws a TypeError when a name or the kind of its value breaks gRPC's rule. */
export function metadata(init: MetadataInit): Metadata {
  const values = new Map<string, readonly MetadataValue[]>();
  for (const [name, value] of Object.entries(init)) {
    const list = Array.isArray(value) ? (value as readonly MetadataValue[]) : [value as MetadataValue];
    check(name, list);
    if (list.length > 0) values.set(name, list);
  }
  return values.size === 0 ? noMetadata : new MapMetadata(values);
}

/** Both together; where a name is in both, the values of `over` stand. */
export function mergeMetadata(base: Metadata, over: Metadata): Metadata {
  if (over === noMetadata) return base;
  if (base === noMetadata) return over;
  return metadata(Object.fromEntries([base, over].flatMap((m) => m.names().map((name) => [name, m.getAll(name)]))));
}

class MapMetadata implements Metadata {
  readonly #values: ReadonlyMap<string, readonly MetadataValue[]>;

  constructor(values: ReadonlyMap<string, readonly MetadataValue[]>) {
    this.#values = values;
  }

  get(name: string): string | undefined {
    const value = this.#values.get(name)?.at(-1);
    return typeof value === "string" ? value : undefined;
  }

  getBytes(name: string): Uint8Array | undefined {
    const value = this.#values.get(name)?.at(-1);
    return value instanceof Uint8Array ? value : undefined;
  }

  getAll(name: string): readonly MetadataValue[] {
    return this.#values.get(name) ?? nothing;
  }

  names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

function check(name: string, values: readonly MetadataValue[]): void {
  if (!/^[0-9a-z_.-]+$/.test(name)) {
    throw new TypeError(`metadata name "${name}" may hold only lower-case letters, digits, "_", "-" and "."`);
  }
  const bytes = name.endsWith("-bin");
  for (const value of values) {
    if (bytes !== value instanceof Uint8Array) {
      throw new TypeError(
        `metadata "${name}" takes ${bytes ? "bytes" : "text"}: names ending in "-bin" carry bytes, all others text`,
      );
    }
    if (typeof value === "string" && !/^[\x20-\x7e]*$/.test(value)) {
      throw new TypeError(
        `metadata "${name}" may hold only printable ASCII; use a name ending in "-bin" for anything else`,
      );
    }
  }
}

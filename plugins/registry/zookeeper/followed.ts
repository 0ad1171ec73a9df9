import type { LeasedEntry, LeasedListener } from "@mortise/kernel/spi/leased-registry";
import type { NodeContent, Nodes } from "./nodes.ts";

/** One service that is watched. */
export interface Followed {
  /** Looks at the service, arms the watch anew and tells what has changed; a look under way is followed by another one. */
  look(): Promise<void>;
  /** What was seen last. */
  entries(): readonly LeasedEntry[];
  stop(): void;
}

/** @param failed told of a look that the watch has asked for and that failed */
export function followed(
  nodes: Nodes,
  service: string,
  listener: LeasedListener,
  failed: (error: unknown) => void,
): Followed {
  let seen = new Map<string, NodeContent>();
  let told = new Map<string, string>();
  let looking: Promise<void> = Promise.resolve();
  let stopped = false;

  const changed = () => void look().catch(failed);

  function look(): Promise<void> {
    looking = looking.catch(() => undefined).then(lookOnce);
    return looking;
  }

  async function lookOnce(): Promise<void> {
    if (stopped) return;
    await nodes.ensure(service);
    const names = await nodes.names(service, changed);
    const found = await Promise.all(
      names.map(async (name) => [name, seen.get(name) ?? (await nodes.read(service, name))] as const),
    );
    seen = new Map(found.flatMap(([name, content]) => (content ? [[name, content] as const] : [])));
    if (!stopped) tell();
  }

  function tell(): void {
    const now = newestTexts(seen.values());
    for (const [id, text] of now) if (told.get(id) !== text) listener.put(id, text);
    for (const id of told.keys()) if (!now.has(id)) listener.removed(id);
    told = now;
  }

  return {
    look,
    entries: () => Array.from(told, ([id, text]) => ({ service, id, text })),
    stop() {
      stopped = true;
    },
  };
}

/** The text of each id. A session that has not expired yet may have left a node of an instance that was registered anew. */
export function newestTexts(contents: Iterable<NodeContent>): Map<string, string> {
  const newest = new Map<string, NodeContent>();
  for (const content of contents) {
    const other = newest.get(content.id);
    if (!other || other.made < content.made) newest.set(content.id, content);
  }
  return new Map(Array.from(newest, ([id, { text }]) => [id, text]));
}

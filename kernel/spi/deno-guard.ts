import http2 from "node:http2";

const guarded = Symbol.for("mortise.http2.guarded");

/**
 * Keeps Deno from crashing when a server goes away. Its client frees a session inside the very callback that reads the
 * server's GOAWAY, and then goes on reading with it; here the session lives until that callback has returned. Does nothing
 * on Node, and nothing the second time.
 */
export function guardDeno(): void {
  const module = http2 as { connect: typeof http2.connect; [guarded]?: true };
  if (!("Deno" in globalThis) || module[guarded]) return;
  const { connect } = http2;
  const later = (...args: Parameters<typeof connect>) => {
    const session = connect(...args);
    const destroy = session.destroy.bind(session);
    session.destroy = (error, code) => void setImmediate(() => destroy(error, code));
    return session;
  };
  module.connect = later as typeof connect;
  module[guarded] = true;
}

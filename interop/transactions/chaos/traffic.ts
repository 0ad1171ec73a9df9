import { connect } from "nats";

/** What the bus holds of one topic, for one group. */
export interface Traffic {
  readonly topic: string;
  readonly stored: number;
  /** Not delivered yet, and delivered without an answer. */
  readonly waiting: number;
  readonly underWay: number;
  readonly repeated: number;
}

/** Looks at every stream of the server; what it holds per topic, all lanes together. */
export async function trafficOf(url: string): Promise<readonly Traffic[]> {
  const nats = await connect({ servers: url, timeout: 2_000 });
  try {
    const manager = await nats.jetstreamManager();
    const all: Traffic[] = [];
    for await (const { config, state } of manager.streams.list()) {
      let [waiting, underWay, repeated] = [0, 0, 0];
      for await (const one of manager.consumers.list(config.name)) {
        waiting += one.num_pending;
        underWay += one.num_ack_pending;
        repeated += one.num_redelivered;
      }
      all.push({ topic: config.name, stored: state.messages, waiting, underWay, repeated });
    }
    return all;
  } finally {
    await nats.close();
  }
}

/** In one line, without what is idle. */
export function inWords(all: readonly Traffic[]): string {
  const busy = all.map(
    ({ topic, stored, waiting, underWay, repeated }) =>
      `${topic.split("-").slice(1).join("-") || topic} ${stored} stored, ${waiting} waiting, ${underWay} under way, ${repeated} again`,
  );
  return busy.join("; ");
}

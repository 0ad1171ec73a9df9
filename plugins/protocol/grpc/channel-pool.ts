import type { ChannelInterface } from "@grpc/grpc-js";

/** One user's share of a channel. */
export interface ChannelLease {
  readonly channel: ChannelInterface;
  /** The last one to release a channel closes it. Call once. */
  release(): void;
}

export interface OpenChannel {
  readonly channel: ChannelInterface;
  close(): void;
}

/** Gives every user of an address the same channel, so that all services of a peer share one connection. */
export function channelPool(open: (address: string) => OpenChannel): (address: string) => ChannelLease {
  const entries = new Map<string, OpenChannel & { users: number }>();
  return (address) => {
    const entry = entries.get(address) ?? { ...open(address), users: 0 };
    entries.set(address, entry);
    entry.users++;
    return {
      channel: entry.channel,
      release: () => {
        if (--entry.users > 0) return;
        entries.delete(address);
        entry.close();
      },
    };
  };
}

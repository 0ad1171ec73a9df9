import type { ChannelInterface } from "@grpc/grpc-js";

/** One user's share of a channel. */
export interface ChannelLease {
  readonly channel: ChannelInterface;
  /** The last one to release a channel closes it. Call once. */
  release(): void;
}

/** Gives every user of an address the same channel, so that all services of a peer share one connection. */
export function channelPool(open: (address: string) => ChannelInterface): (address: string) => ChannelLease {
  const entries = new Map<string, { readonly channel: ChannelInterface; users: number }>();
  return (address) => {
    const entry = entries.get(address) ?? { channel: open(address), users: 0 };
    entries.set(address, entry);
    entry.users++;
    return {
      channel: entry.channel,
      release: () => {
        if (--entry.users > 0) return;
        entries.delete(address);
        entry.channel.close();
      },
    };
  };
}

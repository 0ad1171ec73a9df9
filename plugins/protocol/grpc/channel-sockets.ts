import type { Socket } from "node:net";
import type { ChannelCredentials, experimental } from "@grpc/grpc-js";
import type { Timers } from "@mortise/kernel";

/** The connections of one channel. */
export interface ChannelSockets {
  /** What the channel is made with. */
  readonly credentials: ChannelCredentials;
  /** Ends, a little later, what a channel has not ended that was closed. */
  endSoon(): void;
}

/** How long a channel that was closed may take to say so to its peer, in milliseconds. */
const lingerMs = 1000;

/**
 * Knows the sockets that are made with these credentials. A session of HTTP/2 that is closed while its peer sends what is
 * no HTTP/2 waits for ever in Node 24, without reading and with its socket open; grpc-js keeps no hold of it.
 */
export function channelSockets(credentials: ChannelCredentials, timers: Pick<Timers, "after">): ChannelSockets {
  const open = new Set<Socket>();
  const keep = ({ socket, secure }: experimental.SecureConnectResult): experimental.SecureConnectResult => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    return { socket, secure };
  };
  const watched: ChannelCredentials = Object.create(credentials, {
    _createSecureConnector: {
      value: (...given: Parameters<ChannelCredentials["_createSecureConnector"]>): experimental.SecureConnector => {
        const made = credentials._createSecureConnector(...given);
        const connect = made.connect.bind(made);
        made.connect = async (socket) => keep(await connect(socket));
        return made;
      },
    },
  });
  return {
    credentials: watched,
    endSoon() {
      if (open.size === 0) return;
      timers.after(lingerMs, () => {
        for (const socket of open) socket.destroy();
      });
    },
  };
}

import type { Log, Subscription, Timers } from "@mortise/kernel";
import type { Link } from "./connect.ts";
import { statusOf } from "./failures.ts";
import type { Streams } from "./streams.ts";

/** The members of groups in this process, and their groups on the server. */
export interface GroupKeeper {
  /** Resolves when the group is on the server and the member gets its messages. */
  add(topic: string, group: string, member: Subscription): Promise<Subscription>;
  /** Closes all members. */
  end(): Promise<void>;
}

const maxWaitMs = 5000;

/** Keeps groups on the server also when that comes back without its data. */
export function groupKeeper(server: Streams, link: Link, timers: Timers, log: Log): GroupKeeper {
  const members = new Map<Subscription, () => Promise<unknown>>();

  async function makeSureOf(member: Subscription, groupIsThere: () => Promise<unknown>): Promise<void> {
    for (let waitMs = 100; link.up && members.has(member); waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      try {
        await groupIsThere();
        return;
      } catch (error) {
        log.error(`${statusOf(error, "looking up a group after reconnecting").message}; next attempt in ${waitMs} ms`);
        await timers.sleep(waitMs);
      }
    }
  }

  link.onBack(() => {
    server.forget();
    for (const [member, groupIsThere] of members) void makeSureOf(member, groupIsThere);
  });

  return {
    add: async (topic, group, member) => {
      const groupIsThere = () => server.group(topic, group);
      const close = async () => {
        members.delete(member);
        await member.close();
      };
      members.set(member, groupIsThere);
      try {
        await groupIsThere();
        return { close };
      } catch (error) {
        await close();
        throw error;
      }
    },
    end: async () => {
      await Promise.all([...members.keys()].map((member) => member.close()));
      members.clear();
    },
  };
}

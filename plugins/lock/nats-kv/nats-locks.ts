import type { Clock } from "@mortise/kernel";
import type { LockClaim, LockServer } from "@mortise/kernel/spi/leased-lock";
import { silence } from "@mortise/kernel/spi/silence";
import type { Bucket } from "./bucket.ts";

/** A key is a lock. Its value names the owner; an empty one: nobody. */
interface Holder {
  readonly owner: string;
  readonly leaseMs: number;
}

/**
 * Locks by comparing revisions: every renewal writes the key, and a waiting one that has seen the same revision for a whole
 * lease takes it over if it is still that one. So no clock is compared with another. Tokens are revisions.
 */
export function natsLocks(bucket: Bucket, clock: Clock): LockServer {
  const own = new Map<string, number>();
  const others = silence(clock);

  /** Writes over what this claim has written; false when somebody else has the lock. */
  async function overwrite({ name, owner }: LockClaim, text: string): Promise<boolean> {
    const key = keyOf(name);
    const known = own.get(owner);
    let revision = known === undefined ? undefined : await bucket.write(key, text, known);
    if (revision === undefined) {
      // a write of our own whose answer was lost, or that came meanwhile
      const now = await bucket.read(key);
      if (!now || holderOf(now.text)?.owner !== owner) return false;
      revision = await bucket.write(key, text, now.revision);
    }
    if (revision === undefined) return false;
    own.set(owner, revision);
    return true;
  }

  return {
    async take({ name, owner, leaseMs }) {
      const key = keyOf(name);
      const now = await bucket.read(key);
      const holder = now && holderOf(now.text);
      const taken = now && holder && holder.owner !== owner;
      if (taken && !others.isSilent(key, `${now.revision}`, holder.leaseMs)) return undefined;
      const revision = await bucket.write(key, textOf({ owner, leaseMs }), now?.revision ?? 0);
      if (revision === undefined) return undefined;
      others.forget(key);
      own.set(owner, revision);
      return BigInt(revision);
    },
    renew: (claim) => overwrite(claim, textOf(claim)),
    async release(claim) {
      await overwrite(claim, "").finally(() => own.delete(claim.owner));
    },
    close: () => bucket.close(),
  };
}

/** Keys of a bucket are tokens of letters, digits and a few signs, so the name is written in base64url. */
function keyOf(name: string): string {
  return Buffer.from(name).toString("base64url");
}

function textOf({ owner, leaseMs }: Holder): string {
  return JSON.stringify({ owner, leaseMs });
}

function holderOf(text: string): Holder | undefined {
  return text === "" ? undefined : (JSON.parse(text) as Holder);
}

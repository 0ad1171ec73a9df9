import { StatusError } from "@mortise/kernel";
import type { Timestamp } from "@mortise/kernel/contract";
import type { Account, Session } from "@mortise/proto/shop/user";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { millisOf } from "../shared/instant.ts";
import type { Backends, Request } from "./door.ts";

const cookieName = "shop_session";

/** The session of a browser, kept in a cookie that no script can read and no other site can send along. */
export function browserSession({ user }: Backends, secure: boolean) {
  const attributes = { httpOnly: true, sameSite: "Lax", path: "/", secure } as const;

  async function account(request: Request): Promise<Account> {
    const token = tokenOf(request);
    if (!token) throw new StatusError("UNAUTHENTICATED", "Please log in.", { reason: "NO_SESSION" });
    return user.checkSession({ token }, request.var.call);
  }

  return {
    /** Who is logged in; nothing for nobody. */
    visitor: (request: Request): Promise<Account | undefined> =>
      account(request).catch((error: unknown) => {
        if (error instanceof StatusError && error.code === "UNAUTHENTICATED") return undefined;
        throw error;
      }),
    /** The id of who is logged in; UNAUTHENTICATED if nobody is. */
    userId: async (request: Request): Promise<string> => (await account(request)).id,
    open: (request: Request, { token, expiresAt }: Session): void => {
      setCookie(request, cookieName, token, { ...attributes, expires: dateOf(expiresAt) });
    },
    close: async (request: Request): Promise<void> => {
      const token = tokenOf(request);
      deleteCookie(request, cookieName, attributes);
      if (token) await user.logout({ token }, request.var.call);
    },
  };
}

export type BrowserSession = ReturnType<typeof browserSession>;

function tokenOf(request: Request): string | undefined {
  return getCookie(request, cookieName);
}

function dateOf(time: Timestamp): Date {
  return new Date(millisOf(time));
}

import type { Infer } from "@mortise/kernel/contract";
import { Empty, field, message, required, rpc, sensitive, service, string, timestamp } from "@mortise/kernel/contract";

/** A customer as others may see one. What proves who they are is not part of it. */
export const Account = message("shop.user.v1.Account", {
  id: string(1),
  email: string(2),
  name: string(3),
  createdAt: required(timestamp(4)),
});

export const Registration = message("shop.user.v1.Registration", {
  email: string(1),
  password: sensitive(string(2)),
  name: string(3),
});

export const Credentials = message("shop.user.v1.Credentials", {
  email: string(1),
  password: sensitive(string(2)),
});

/** A session that was opened. The token is told once, here; only a digest of it is kept. */
export const Session = message("shop.user.v1.Session", {
  token: sensitive(string(1)),
  expiresAt: required(timestamp(2)),
  account: required(field(3, Account)),
});

export const SessionToken = message("shop.user.v1.SessionToken", { token: sensitive(string(1)) });
export const AccountId = message("shop.user.v1.AccountId", { userId: string(1) });
export const ProfileChange = message("shop.user.v1.ProfileChange", { userId: string(1), name: string(2) });

/**
 * Customers and their sessions.
 *
 * Reasons: EMAIL_TAKEN (ALREADY_EXISTS), WRONG_CREDENTIALS and NO_SESSION (UNAUTHENTICATED), NO_SUCH_USER (NOT_FOUND),
 * BAD_FIELD (INVALID_ARGUMENT; the details name the field).
 */
export const User = service("shop.user.v1.User", {
  /** Opens an account and a first session. */
  register: rpc(Registration, Session),
  login: rpc(Credentials, Session),
  /** The account a session belongs to. */
  checkSession: rpc(SessionToken, Account, { readOnly: true, criticality: "high" }),
  logout: rpc(SessionToken, Empty, { idempotent: true }),
  getProfile: rpc(AccountId, Account, { readOnly: true }),
  updateProfile: rpc(ProfileChange, Account, { idempotent: true }),
});

export type Account = Infer<typeof Account>;
export type Session = Infer<typeof Session>;

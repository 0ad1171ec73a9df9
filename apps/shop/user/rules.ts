import { badField } from "../shared/refusal.ts";

const emailForm = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;
const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An e-mail address as it is stored: trimmed, lower case. BAD_FIELD if it cannot be one. */
export function cleanEmail(text: string): string {
  const email = text.trim().toLowerCase();
  if (email.length > 254 || !emailForm.test(email))
    throw badField("email", "That does not look like an e-mail address.");
  return email;
}

/** A name as it is stored: spaces folded, 1 to 80 characters. BAD_FIELD otherwise. */
export function cleanName(text: string): string {
  const name = text.replace(/\s+/g, " ").trim();
  if (name.length === 0) throw badField("name", "Please tell us your name.");
  if (name.length > 80) throw badField("name", "A name may have at most 80 characters.");
  return name;
}

/** Refuses passwords under 8 characters or over 200 (hashing longer ones would be a way to keep us busy). */
export function checkPassword(password: string): void {
  if (password.length < 8) throw badField("password", "A password needs at least 8 characters.");
  if (password.length > 200) throw badField("password", "A password may have at most 200 characters.");
}

/** Whether a text can be an id at all; others are simply not found. */
export function isUserId(text: string): boolean {
  return uuidForm.test(text);
}

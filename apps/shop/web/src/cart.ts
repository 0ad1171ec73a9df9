import { computed, effect, signal } from "@preact/signals";
import type { Money, Product } from "./api.ts";

/** Something in the cart, as it was when it was put in. The shop prices orders itself. */
export interface CartLine {
  readonly sku: string;
  readonly name: string;
  readonly image: string;
  readonly price: Money;
  readonly quantity: number;
}

const key = "tenon.cart";
const most = 99;

export const cart = signal<readonly CartLine[]>(stored());
export const cartCount = computed(() => cart.value.reduce((sum, line) => sum + line.quantity, 0));
export const cartTotal = computed<Money>(() => ({
  cents: cart.value.reduce((sum, line) => sum + line.price.cents * line.quantity, 0),
  currency: cart.value[0]?.price.currency ?? "EUR",
}));

effect(() => localStorage.setItem(key, JSON.stringify(cart.value)));

export function addToCart({ sku, name, image, price }: Product, quantity: number): void {
  const before = cart.value.find((line) => line.sku === sku);
  if (before) return setQuantity(sku, before.quantity + quantity);
  cart.value = [...cart.value, { sku, name, image, price, quantity }];
}

/** Sets how many; none takes it out. */
export function setQuantity(sku: string, quantity: number): void {
  const kept = Math.min(quantity, most);
  cart.value =
    kept < 1
      ? cart.value.filter((line) => line.sku !== sku)
      : cart.value.map((line) => (line.sku === sku ? { ...line, quantity: kept } : line));
}

export function emptyCart(): void {
  cart.value = [];
}

function stored(): readonly CartLine[] {
  try {
    const lines: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(lines) ? lines.filter(isLine) : [];
  } catch {
    return [];
  }
}

function isLine(value: unknown): value is CartLine {
  const line = value as Partial<CartLine> | null;
  return typeof line?.sku === "string" && typeof line.quantity === "number" && typeof line.price?.cents === "number";
}

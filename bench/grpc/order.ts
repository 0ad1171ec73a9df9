import { randomUUID } from "node:crypto";
import { double, field, type Infer, int32, message, repeated, rpc, service, string } from "@mortise/kernel/contract";

// The workload of the peers' figures: an order of 119 bytes is sent back as it came.

const Line = message("bench.v1.Line", { sku: string(1), quantity: int32(2), unitPrice: double(3) });
const Order = message("bench.v1.Order", { id: string(1), lines: repeated(field(2, Line)) });
export type Order = Infer<typeof Order>;

export const Orders = service("bench.v1.Orders", { echo: rpc(Order, Order) });

const random = (below: number) => Math.floor(Math.random() * below);

export const orders: readonly Order[] = Array.from({ length: 1024 }, () => ({
  id: randomUUID(),
  lines: Array.from({ length: 3 }, () => ({
    sku: `SKU-${random(36 ** 8)
      .toString(36)
      .padStart(8, "0")}`,
    quantity: 1 + random(99),
    unitPrice: random(100_000) / 100,
  })),
}));

/** Whether an answer is the order that was sent, every field of it. */
export function isSame(a: Order, b: Order): boolean {
  return a.id === b.id && a.lines.length === b.lines.length && a.lines.every((line, i) => isSameLine(line, b.lines[i]));
}

function isSameLine(a: Order["lines"][number], b: Order["lines"][number] | undefined): boolean {
  return a.sku === b?.sku && a.quantity === b.quantity && a.unitPrice === b.unitPrice;
}

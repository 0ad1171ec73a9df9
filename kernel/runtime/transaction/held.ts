import type { Database } from "../../spi/store.ts";

/**
 * Holds for an `R` row, by the name its table has there, of which the end is still to come: it is set aside and neither
 * confirmed nor given back, or something may have been done outside, whatever its `F` row says.
 */
export function isHeld(sql: Database["sql"], table: string) {
  const row = sql(table);
  return sql`
    ${row}.kind in ('reserve', 'intent') and not exists (select from mortise_fence as finished
      where finished.gid = ${row}.gid and finished.branch = ${row}.branch and finished.slot = 'F' and ${row}.kind = 'reserve')`;
}

/** The part of a connection of postgres.js 3.4 that is not in its types and that this depends on; the tests would notice a change. */
export interface Executing {
  execute(query: Query): unknown;
}
interface Query {
  readonly strings?: readonly string[];
  readonly options: { prepare?: boolean };
}

const mended = new WeakSet<Executing>();

/**
 * Lets a connection send PREPARE TRANSACTION without a statement of its own. postgres.js writes the name of the transaction
 * into the text and prepares that like any other, so that both sides would keep one more statement for every
 * transaction for as long as the connection lives.
 */
export function prepareUnnamed(connection: Executing): void {
  if (mended.has(connection)) return;
  mended.add(connection);
  const { execute } = connection;
  connection.execute = (query) => {
    if (query.strings?.[0]?.startsWith("prepare transaction ")) query.options.prepare = false;
    return execute(query);
  };
}

/** Ids of serializations as Dubbo gives them out (org.apache.dubbo.common.serialize.Constants), by the subtype of a serializer. */
const ids: Readonly<Record<string, number>> = { hessian2: 2, json: 21, proto: 22, msgpack: 27 };

/** The id of requests that name their serializer in the body; Dubbo has given it to nobody. */
export const namedSerial = 31;

export const hessianSerial = 2;

const subtypes: ReadonlyMap<number, string> = new Map(Object.entries(ids).map(([subtype, id]) => [id, subtype]));

/** The id for a serializer whose messages travel in lean bodies; hessian2 has bodies of its own, so there it needs its name. */
export function leanSerial(subtype: string): number {
  const id = ids[subtype];
  return id === undefined || id === hessianSerial ? namedSerial : id;
}

/** The subtype that an id stands for, if there is one. */
export function subtypeOf(serial: number): string | undefined {
  return subtypes.get(serial);
}

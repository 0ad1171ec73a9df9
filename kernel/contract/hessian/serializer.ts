import type { Mapping } from "../form/mapping.ts";
import type { EnumType, Field, MessageType } from "../types.ts";
import type { HessianValue } from "./value.ts";

/** What a serializer of Hessian knows beside bytes, for protocols that put several values into one stream. */
export interface HessianValues {
  /** Messages as the values they are written as; the same object for the same type. */
  of<T>(type: MessageType<T>): Mapping<T, HessianValue>;
  /** The Java class of a message or enum. */
  classOf(type: MessageType | EnumType): string;
  /** The Java type of a field, as Java writes it: `long`, `java.lang.String`, `com.example.Order[]`. */
  typeOf(message: MessageType, field: Field): string;
}

/** The values behind a serializer, if it is one of Hessian. */
export function hessianValuesOf(serializer: object): HessianValues | undefined {
  const { hessian } = serializer as { readonly hessian?: HessianValues };
  return hessian;
}

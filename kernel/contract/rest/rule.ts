/** How a method is called over HTTP as people expect it. */
export interface RestRule {
  readonly verb: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** As declared: `/orders/{id}:cancel`. */
  readonly path: string;
  readonly segments: readonly RestSegment[];
  /** What follows a colon at the end of the path. */
  readonly action: string | undefined;
  /** `*`: everything that is not in the path. Otherwise the field the body is; nothing: there is no body. */
  readonly body: string | undefined;
}

/** One part of a path between slashes: a text, or a field of the request by its path. */
export type RestSegment = { readonly text: string } | { readonly field: readonly string[] };

/** The names in braces of a path: `"id" | "line.no"`. */
type Parameters<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Parameters<Rest> : never;

type Head<Name extends string> = Name extends `${infer First}.${string}` ? First : Name;

/** Parameters that are no fields of the request. */
type Strangers<P extends string, I> = Exclude<Head<Parameters<P>>, keyof I | FieldsInOneofs<I>>;

/** Members of a oneof are in a path by their own names. */
type FieldsInOneofs<I> = { [K in keyof I]: NonNullable<I[K]> extends { readonly $case: infer C } ? C : never }[keyof I];

/** The path itself, or what is wrong with it. */
export type RestPath<P extends string, I> = [Strangers<P, I>] extends [never]
  ? P
  : `{${Strangers<P, I> & string}} is no field of the request`;

type Body<I> = "*" | (keyof I & string) | (FieldsInOneofs<I> & string);

type Verb = "get" | "delete" | "post" | "put" | "patch";

type With<V extends Verb, P extends string, I, B> = { readonly [K in V]: RestPath<P, I> } & {
  readonly [K in Exclude<Verb, V>]?: never;
} & { readonly body?: B };

/** What is written in `rpc`: one verb with its path, and for verbs that have a body which field it is (default `*`). */
export type RestSpec<P extends string, I> =
  | With<"get", P, I, never>
  | With<"delete", P, I, never>
  | With<"post", P, I, Body<I>>
  | With<"put", P, I, Body<I>>
  | With<"patch", P, I, Body<I>>;

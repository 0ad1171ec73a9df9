import { type Handlers, type Listener, type Log, StatusError, systemPorts } from "@mortise/kernel";
import {
  bool,
  bytes,
  double,
  Empty,
  enumeration,
  field,
  type Infer,
  int32,
  int64,
  map,
  message,
  optional,
  repeated,
  rpc,
  service,
  stream,
  string,
  timestamp,
} from "@mortise/kernel/contract";
import { connectTo } from "@mortise/kernel/spi/protocol-laws/world";
import { servedService, silentLog } from "@mortise/kernel/testing";
import { restOptions } from "./options.ts";
import { json } from "./rest.fixture.ts";
import { restProtocol } from "./rest.ts";

export const Genre = enumeration("test.library.v1.Genre", { UNSPECIFIED: 0, NOVEL: 1, CRIME: 2 });
export const Author = message("test.library.v1.Author", { name: string(1), country: string(2) });
export const Book = message("test.library.v1.Book", {
  id: string(1),
  title: string(2),
  pages: int32(3),
  isbn: int64(4),
  genre: field(5, Genre),
  author: field(6, Author),
  tags: repeated(string(7)),
  labels: map("string", string(8)),
});
export const FindBooks = message("test.library.v1.FindBooks", {
  shelf: string(1),
  limit: int32(2),
  above: int64(3),
  genre: field(4, Genre),
  tags: repeated(string(5)),
  author: field(6, Author),
  lent: optional(bool(7)),
  since: timestamp(8),
  rating: double(9),
  cover: bytes(10),
});
export const Books = message("test.library.v1.Books", { books: repeated(field(1, Book)) });
export const BookId = message("test.library.v1.BookId", { id: string(1) });

export const Library = service("test.library.v1.Library", {
  get: rpc(BookId, Book, { readOnly: true, rest: { get: "/books/{id}" } }),
  newest: rpc(Empty, Book, { readOnly: true, rest: { get: "/books/newest" } }),
  find: rpc(FindBooks, FindBooks, { readOnly: true, rest: { get: "/shelves/{shelf}/books" } }),
  add: rpc(Book, Book, { rest: { post: "/books" } }),
  change: rpc(Book, Book, { idempotent: true, rest: { put: "/books/{id}" } }),
  credit: rpc(Book, Book, { rest: { patch: "/books/{id}/author/{author.name}", body: "*" } }),
  tag: rpc(FindBooks, FindBooks, { rest: { patch: "/shelves/{shelf}/tags", body: "tags" } }),
  remove: rpc(BookId, Empty, { rest: { delete: "/books/{id}" } }),
  lend: rpc(BookId, Book, { rest: { post: "/books/{id}:lend" } }),
  follow: rpc(BookId, stream(Book), { rest: { get: "/books/{id}/events" } }),
  plain: rpc(FindBooks, FindBooks),
});

type BookValue = Infer<typeof Book>;

export const book = (changes: Partial<BookValue> = {}): BookValue => ({
  id: "",
  title: "",
  pages: 0,
  isbn: 0n,
  genre: 0,
  author: undefined,
  tags: [],
  labels: new Map(),
  ...changes,
});

async function* following(id: string) {
  for (let pages = 1; pages <= 3; pages++) yield book({ id, pages });
  if (id === "torn") throw new StatusError("DATA_LOSS", "the book is torn", { reason: "TORN" });
}

export const libraryHandlers: Handlers<typeof Library> = {
  get: ({ id }) => {
    if (id === "none")
      throw new StatusError("NOT_FOUND", "there is no such book", { reason: "NO_BOOK", details: { id } });
    return book({ id, title: `Title of ${id}` });
  },
  newest: () => book({ id: "newest of all" }),
  find: (request) => request,
  add: (request) => request,
  change: (request) => request,
  credit: (request) => request,
  tag: (request) => request,
  remove: () => ({}),
  lend: ({ id }) => book({ id, title: "lent" }),
  follow: ({ id }) => following(id),
  plain: (request) => request,
};

/** A running library. */
export interface Running {
  readonly url: string;
  readonly listener: Listener;
  readonly connection: ReturnType<typeof connectTo>;
  stop(): Promise<void>;
}

export async function openLibrary(given: object = {}, log: Log = silentLog): Promise<Running> {
  const protocol = restProtocol({ options: restOptions.parse(given), ports: systemPorts, log });
  const served = servedService(Library, libraryHandlers, log);
  const listener = await protocol.listen({ services: [served], serializers: new Map([["json", json]]) });
  const connection = connectTo(protocol, listener.address);
  return {
    url: `http://${listener.address}`,
    listener,
    connection,
    stop: async () => {
      await connection.close(0);
      await listener.close(0);
    },
  };
}

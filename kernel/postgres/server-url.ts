/** What a url says about a server. */
export interface ServerUrl {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The database to connect to for creating others. */
  readonly database: string;
  readonly encryption: Encryption;
  /** A file with the certificate of the authority to trust. */
  readonly caFile: string | undefined;
}

/** libpq's `sslmode`, without those that fall back to plain text in silence. */
export type Encryption = "disable" | "require" | "verify-full";

const encryptions: readonly string[] = ["disable", "require", "verify-full"];
const parameters: readonly string[] = ["sslmode", "sslrootcert"];

/** Reads `postgres://user:password@host:port/database?sslmode=…`. Gives what is wrong as text, never with the password. */
export function parseServerUrl(text: string): ServerUrl | string {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === "") {
    return "must look like postgres://user:password@host:5432";
  }
  const wrong = wrongParameter(url.searchParams);
  if (wrong) return wrong;
  const [username, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decoded);
  if (username === undefined || password === undefined || database === undefined) {
    return "has a % that is not followed by two hexadecimal digits; write % as %25";
  }
  if (username === "") return "names no user; write postgres://user:password@host";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 5432),
    username,
    password,
    database: database || "postgres",
    encryption: (url.searchParams.get("sslmode") ?? "disable") as Encryption,
    caFile: url.searchParams.get("sslrootcert") ?? undefined,
  };
}

function wrongParameter(given: URLSearchParams): string | undefined {
  const unknown = [...given.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) return `has the parameter "${unknown}"; there are only ${parameters.join(" and ")}`;
  const mode = given.get("sslmode");
  if (mode !== null && !encryptions.includes(mode))
    return `has sslmode "${mode}"; choose one of ${encryptions.join(", ")}`;
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

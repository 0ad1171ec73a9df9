import { HttpError } from "./problem.ts";

/** Whether somebody who sends this `accept` header takes a media type (RFC 9110, section 12.5.1). */
export function accepts(header: string | undefined, type: string): boolean {
  if (header === undefined || header.trim() === "") return true;
  const [major = ""] = type.split("/");
  const ranges = header.split(",").map((range) => {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    return { name, taken: quality === undefined || Number(quality.slice(2)) > 0 };
  });
  const best = [type, `${major}/*`, "*/*"].map((name) => ranges.find((range) => range.name === name)).find(Boolean);
  return best?.taken ?? false;
}

/** Throws 406 where the caller does not take what the method answers with. */
export function checkAccept(header: string | undefined, type: string, path: string): void {
  if (accepts(header, type)) return;
  throw new HttpError(
    406,
    "INVALID_ARGUMENT",
    "NOT_ACCEPTABLE",
    `${path} answers with ${type}, which "accept" rules out`,
  );
}

/** Throws 415 for a body that is no JSON in UTF-8, or is compressed. */
export function checkContent(type: string | undefined, encoding: string | undefined): void {
  const given = (type ?? "").toLowerCase().replaceAll(" ", "");
  if (!/^application\/([\w.+-]+\+)?json(;charset="?utf-8"?)?$/.test(given))
    throw unsupported(
      `a body is application/json in UTF-8, not ${type === undefined ? "without a content-type" : type}`,
    );
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw unsupported(`a body is not compressed; its content-encoding is ${encoding}`);
}

function unsupported(message: string): HttpError {
  return new HttpError(415, "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE", message);
}
